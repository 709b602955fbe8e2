"""What a chatbot calls: the public API of a ticket, its requests and its answers."""
