mod datagrams;
mod harness;
mod hostile;
mod streams;
