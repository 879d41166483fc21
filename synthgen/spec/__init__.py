"""What an image, a label, a plan and a settings file are. Nothing here reads or writes images."""
