//! Tests of reading a Debian archive.
