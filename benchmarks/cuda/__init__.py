"""The GPU path: driven with fake CUDA tensors and lowered for sm_90 without a GPU, and checked and timed on one."""
