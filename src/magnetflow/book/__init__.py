"""The compendium: from notebooks and tables to pages, recorded results, figures and controls."""
