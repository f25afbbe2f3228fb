"""What an exercise asks, how a piece is examined, and what the student reads about it."""
