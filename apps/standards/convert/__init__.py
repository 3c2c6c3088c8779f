"""From one published form to another, without losing what both can say."""
