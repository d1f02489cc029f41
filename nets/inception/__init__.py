"""The Inception family: modules, stems, and the nets built from them."""
