"""Speed, printed and never asserted: ratios measured side by side in one run."""
