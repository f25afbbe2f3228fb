"""Published weights in the course's own classes: fetched on request, mapped by name, or refused."""
