//! Git: fetches a revision and reads its tree.
