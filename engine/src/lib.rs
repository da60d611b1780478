//! Judgement: conversations, baseline, detection, incidents, rehearsal; no clock and no I/O.
