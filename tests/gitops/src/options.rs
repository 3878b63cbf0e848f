//! What is measured, and how much of it.

use clap::{Args, ValueEnum};

/// An engine by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Name {
    /// No engine: the same objects in bare calls.
    Bare,
    /// Flux's controllers.
    Flux,
    /// Our agent.
    Capstan,
}

/// How much is measured.
#[derive(Clone, Debug, Args)]
pub struct Options {
    /// How many units a large fleet has.
    #[arg(long, default_value_t = 500)]
    pub units: usize,
    /// How many units a small fleet has.
    #[arg(long, default_value_t = 100)]
    pub few: usize,
    /// Measure how long another fleet of this size takes to be ready.
    #[arg(long)]
    pub many: Option<usize>,
    /// How many pushes are timed.
    #[arg(long, default_value_t = 20)]
    pub pushes: usize,
    /// How many pushes to Flux are timed: after each, all units are waited for.
    #[arg(long, default_value_t = 4)]
    pub pushes_to_flux: usize,
    /// How long the use of processors at rest is watched, in seconds.
    #[arg(long, default_value_t = 30)]
    pub rest: u64,
    /// How many namespaces the objects are spread over.
    #[arg(long, default_value_t = 20)]
    pub namespaces: usize,
    /// How many units an engine works on at once.
    #[arg(long, default_value_t = 20)]
    pub concurrent: usize,
    /// Only these, in this order.
    #[arg(long, value_enum, value_delimiter = ',', default_values = ["bare", "flux", "capstan"])]
    pub only: Vec<Name>,
    /// Show what the API server was asked for, beside each figure.
    #[arg(long)]
    pub calls: bool,
    /// Keep the folder with the logs.
    #[arg(long)]
    pub keep: bool,
}
