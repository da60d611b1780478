//! What a plant engineer relies on: every function read right, lies told, nothing that octets can break.

mod functions;
mod harness;
mod malformed;
mod notation;
mod recognition;
mod robust;
