package telemetry

import (
	"fmt"
	"strconv"
	"strings"
)

// Quality says how far a sample can be trusted. It is an OPC UA status code (OPC 10000-4, 7.39): the
// top two bits are the severity (good, uncertain, bad), the next fourteen name the reason. Codes that an OPC UA
// server sent are kept as they came; every other adapter uses the ones named here.
type Quality uint32

// The qualities that Penstock itself gives.
const (
	Good         Quality = 0
	GoodBackfill Quality = 0x00A20000 // told later, from what the device recorded (OPC UA: good, entry inserted)

	Uncertain                  Quality = 0x40000000
	UncertainLastUsable        Quality = 0x40900000 // the last value known; the source is silent now
	UncertainSensorNotAccurate Quality = 0x40930000
	UncertainClock             Quality = 0x40BC0000 // the time is not to be trusted (OPC UA: uncertain dependent value)

	Bad                Quality = 0x80000000
	BadUnexpected      Quality = 0x80010000
	BadCommunication   Quality = 0x80050000 // the connection broke or garbled the answer
	BadDecoding        Quality = 0x80070000 // an answer came and could not be understood
	BadTimeout         Quality = 0x800A0000 // no answer in time
	BadNoCommunication Quality = 0x80310000 // there is no connection
	BadWaitingForData  Quality = 0x80320000 // subscribed; nothing has come yet
	BadNodeUnknown     Quality = 0x80340000 // the device has no such point
	BadOutOfRange      Quality = 0x803C0000 // outside the point's range
	BadNotReadable     Quality = 0x803A0000
	BadTypeMismatch    Quality = 0x80740000
	BadConfiguration   Quality = 0x80890000
	BadDeviceFailure   Quality = 0x808B0000 // the device says that it has failed
	BadSensorFailure   Quality = 0x808C0000 // the device's sentinel for "no reading"
	BadOutOfService    Quality = 0x808D0000
)

var reasons = map[Quality]string{
	GoodBackfill:        "backfill",
	UncertainLastUsable: "last usable value", UncertainSensorNotAccurate: "sensor not accurate", UncertainClock: "clock",
	BadUnexpected: "unexpected error", BadCommunication: "communication error", BadDecoding: "decoding error",
	BadTimeout: "timeout", BadNoCommunication: "no communication", BadWaitingForData: "waiting for data",
	BadNodeUnknown: "no such point in the device", BadOutOfRange: "out of range", BadNotReadable: "not readable", BadTypeMismatch: "type mismatch",
	BadConfiguration: "configuration error", BadDeviceFailure: "device failure", BadSensorFailure: "sensor failure", BadOutOfService: "out of service",
}

// IsGood reports whether the value can be trusted.
func (q Quality) IsGood() bool { return q>>30 == 0 }

// IsUncertain reports whether there is a value, with a doubt.
func (q Quality) IsUncertain() bool { return q>>30 == 1 }

// IsBad reports whether there is no value to trust.
func (q Quality) IsBad() bool { return q>>30 >= 2 }

// Doubted is the quality of a sample whose time is in doubt: a good one is so no longer, any other keeps its own reason.
func (q Quality) Doubted() Quality {
	if q.IsGood() {
		return UncertainClock
	}
	return q
}

// Severity is "good", "uncertain" or "bad".
func (q Quality) Severity() string {
	switch q >> 30 {
	case 0:
		return "good"
	case 1:
		return "uncertain"
	}
	return "bad"
}

// Reason is the quality's reason in words, empty where there is none to give.
func (q Quality) Reason() string {
	code := q &^ 0xFFFF // the low half is OPC UA's info bits: limits, overflow; no reason
	if code&^0xC0000000 == 0 {
		return ""
	}
	if text, ok := reasons[code]; ok {
		return text
	}
	return fmt.Sprintf("0x%08X", uint32(code))
}

// String is "good", or severity and reason: "bad: timeout".
func (q Quality) String() string {
	if reason := q.Reason(); reason != "" {
		return q.Severity() + ": " + reason
	}
	return q.Severity()
}

// ParseQuality reads what String wrote. The info bits, which String leaves out, are 0.
func ParseQuality(s string) (Quality, error) {
	severity, reason, _ := strings.Cut(s, ": ")
	for code, text := range reasons {
		if text == reason && code.Severity() == severity {
			return code, nil
		}
	}
	if digits, ok := strings.CutPrefix(reason, "0x"); ok {
		if code, err := strconv.ParseUint(digits, 16, 32); err == nil && Quality(code).Severity() == severity {
			return Quality(code), nil
		}
	}
	for _, code := range []Quality{Good, Uncertain, Bad} {
		if s == code.Severity() {
			return code, nil
		}
	}
	return Bad, fmt.Errorf("unknown quality %q: want good, uncertain or bad, with a reason as in %q", s, BadTimeout)
}
