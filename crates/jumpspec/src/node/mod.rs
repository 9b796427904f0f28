//! What a node is, and what makes it itself: read there, and written for another system. Nothing here
//! knows of images or plans.

pub mod accounts;
pub mod authorized;
pub mod facts;
pub mod first_boot;
pub mod fstab;
pub mod identity;
pub mod luks;
pub mod network;
pub mod os_release;
pub mod public_key;
pub mod remote;
pub mod same;
pub mod selinux;
pub mod sshd;
pub mod starting;
