//! Histograms, confusion matrices, curves, tables, and pictures of them.
