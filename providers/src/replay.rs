//! Answers read from a file.
