"""Who carries out the runs: the processes of this machine, tasks of SLURM, or tasks of Ray."""
