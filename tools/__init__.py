"""Write the files of this repository that are generated."""
