//! Makes the captures that speed and memory are measured on; see `traffic`.

#![forbid(unsafe_code)]

mod traffic;

use std::{path::PathBuf, time::Instant};

use clap::{Parser, ValueEnum};
use traffic::{Order, Shape};

/// Makes a capture out of nothing, and FILE.truth.json beside it: what must be found in it.
#[derive(Debug, Parser)]
struct Words {
    /// What the capture holds
    shape: Named,
    /// The capture to write (pcap)
    file: PathBuf,
    /// Frames of the plant and the office
    #[arg(long, default_value_t = 2_000_000)]
    frames: u64,
    /// Controllers; for `conversations` as many as give --conversations
    #[arg(long, default_value_t = 200)]
    controllers: u32,
    /// Masters
    #[arg(long, default_value_t = 10)]
    masters: u32,
    /// Connections of `conversations`, from 250 masters
    #[arg(long, default_value_t = 100_000)]
    conversations: u32,
    /// Frames of `mixed` that are of the office, in a hundred
    #[arg(long, default_value_t = 60)]
    office_percent: u64,
    /// Frames of `flood` that made-up talkers send
    #[arg(long, default_value_t = 2_000_000)]
    flood_frames: u64,
    /// How many of them in a second
    #[arg(long, default_value_t = 500_000)]
    flood_rate: u64,
    /// The same seed gives the same capture
    #[arg(long, default_value_t = 42)]
    seed: u64,
    /// Times in microseconds instead of nanoseconds
    #[arg(long)]
    microseconds: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Named {
    /// Masters poll controllers over Modbus/TCP
    Modbus,
    /// The same beside an office: HTTP, TLS, DNS, NTP
    Mixed,
    /// Very many connections that stay open
    Conversations,
    /// Made-up talkers over a plant that goes on working
    Flood,
}

/// Masters that share the connections of `conversations`.
const CONVERSATION_MASTERS: u32 = 250;

fn main() -> std::io::Result<()> {
    let words = Words::parse();
    let since = Instant::now();
    let mut order = Order {
        shape: Shape::Modbus,
        frames: words.frames,
        controllers: words.controllers,
        masters: words.masters,
        seed: words.seed,
        microseconds: words.microseconds,
    };
    match words.shape {
        Named::Modbus => {}
        Named::Mixed => order.shape = Shape::Mixed(words.office_percent),
        Named::Conversations => {
            order.shape = Shape::Conversations;
            order.masters = CONVERSATION_MASTERS.min(words.conversations);
            order.controllers = words.conversations.div_ceil(CONVERSATION_MASTERS);
        }
        Named::Flood => order.shape = Shape::Flood(words.flood_frames, words.flood_rate),
    }
    let truth = traffic::write(&order, &words.file)?;
    eprintln!("{} frames in {:.1} s", truth.frames, since.elapsed().as_secs_f64());
    Ok(())
}
