//! The plan as people see it before anything happens.
