"""What we tell others: the chat platforms and the app. Written with the change that asks for it, sent by the worker."""
