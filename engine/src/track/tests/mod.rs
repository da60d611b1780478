mod below;
mod datagrams;
mod harness;
mod hostile;
mod receiver;
mod streams;
mod unreceived;
