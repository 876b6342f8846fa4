// SPDX-License-Identifier: MIT

// Package otel reports sockets of package spry to OpenTelemetry, by its API only: programs choose the SDK.
package otel
