"""What is read for the reports, one module for each family; the only SQL that reads."""
