// Reads a line of JSON at a time, and prints what the generated types make of it; `!` where they refuse it.
#![allow(dead_code)]
mod events;

use std::io::BufRead;

fn main() {
    for line in std::io::stdin().lock().lines() {
        match serde_json::from_str::<events::Events>(&line.unwrap()) {
            Ok(value) => println!("{}", serde_json::to_string(&value).unwrap()),
            Err(_) => println!("!"),
        }
    }
}
