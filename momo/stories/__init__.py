"""Stories: what became of one request, hop by hop over all services."""
