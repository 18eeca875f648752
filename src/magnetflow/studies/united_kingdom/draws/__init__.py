"""What follows when every input of the study is drawn at once."""
