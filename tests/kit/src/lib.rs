//! The test kit: control planes, nodes, Git and AWS on this machine.
