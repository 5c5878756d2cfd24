"""The rest front: intake and pull as bare routes, query and administration as a FastAPI application."""
