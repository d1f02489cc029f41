"""The errors that most tests of the analysis use."""

# Differences to original: bn_after_add 1, 2, 3; full_preact -0.2, -0.3, -0.4.
ERRORS: dict[str, dict[int, float | None]] = {
    "original": {0: 6.5, 1: 6.6, 2: 6.7},
    "bn_after_add": {0: 7.5, 1: 8.6, 2: 9.7},
    "relu_before_add": {0: 6.6, 1: 6.5, 2: 6.8},
    "relu_only_preact": {0: 6.5, 1: 6.5, 2: 6.8},
    "full_preact": {0: 6.3, 1: 6.3, 2: 6.3},
}
