# Commands of a developer. `make run` and `make test` install what they need on a fresh Debian 12 with Rust.

SHELL := /bin/bash
CARGO ?= cargo
# 1 is the quick count, 5 the counts that issues state.
SCALE ?= 1
export SCALE

BUILD_PACKAGES := build-essential clang libclang-dev pkg-config libnftnl-dev libmnl-dev
TEST_PACKAGES := iproute2 iputils-ping nftables conntrack ethtool tcpdump tshark rsyslog rsyslog-openssl openssl python3-venv \
  valgrind openvswitch-switch netconfd openssh-server snmpd snmp request-tracker5 rt5-db-sqlite redmine redmine-sqlite \
  nats-server mosquitto mosquitto-clients
NO_STD_TARGET := thumbv7em-none-eabihf

BINARY := target/release/fieldwarden
BASELINE := config/shipped/baseline.toml
SHIPPED_ATTACK := pcaps/shipped-attack.pcap

.PHONY: run build test test-full bench score fuzz lab lab-down fmt lint setup-build setup-test clean

## Replays the shipped attack against the shipped baseline, or PCAP=file on your own capture.
run: build
	@PCAP="$(PCAP)" BINARY="$(BINARY)" BASELINE="$(BASELINE)" ATTACK="$(SHIPPED_ATTACK)" lab/first-light

build: setup-build
	$(CARGO) build --release --workspace --bins

setup-build:
	@lab/install $(BUILD_PACKAGES)

setup-test: setup-build
	@lab/install $(TEST_PACKAGES)
	@lab/setup
	@rustup target list --installed | grep -q $(NO_STD_TARGET) || rustup target add $(NO_STD_TARGET)

## Every test at SCALE=1.
test: export RUST_BACKTRACE=0
test: setup-test
	$(CARGO) build -p fieldwarden-protocols -p fieldwarden-model --target $(NO_STD_TARGET)
	lab/run-tests

## The counts that issues state.
test-full: setup-test
	SCALE=5 $(MAKE) test

## What is found in labelled attacks of public captures, how soon, in how many incidents, and what is told of normal traffic.
score: setup-build
	$(CARGO) test --quiet --test score -- --nocapture --test-threads 1

## Frames per CPU-second, instructions per frame and peak memory, beside tcpdump on the same file.
bench: setup-test build
	$(CARGO) build --release --example generate
	lab/bench

## Every fuzz target for SECONDS_EACH seconds, from seeds out of the captures.
SECONDS_EACH ?= 20
fuzz: setup-build
	@cargo fuzz --version >/dev/null 2>&1 || $(CARGO) install cargo-fuzz --locked
	$(CARGO) run --quiet --example seeds
	SECONDS_EACH=$(SECONDS_EACH) lab/fuzz

lab: setup-test
	lab/up --prefix fw

lab-down:
	lab/down --prefix fw

fmt:
	$(CARGO) fmt --all

lint:
	$(CARGO) fmt --all --check
	$(CARGO) clippy --workspace --all-targets -- -D warnings
	@if command -v cargo-deny >/dev/null; then cargo deny check; else echo "cargo-deny is not installed: policy in deny.toml not checked"; fi

clean:
	$(CARGO) clean
