"""Workers on this machine and others: the engine gives attempts, agents run them and keep the results."""
