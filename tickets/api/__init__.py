"""The public API that chatbots call: views, request parsing and response schemas."""
