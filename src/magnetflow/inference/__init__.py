"""What both material flow analysis and process balances need: problems, solutions and their uncertainty."""
