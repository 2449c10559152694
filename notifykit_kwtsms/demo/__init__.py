"""What `notifykit demo` plays: the story, and how it is shown."""
