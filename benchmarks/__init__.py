"""For maintainers: how fast training and analysis are and where their time goes; README.md lists the commands."""
