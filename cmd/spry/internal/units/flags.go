// SPDX-License-Identifier: MIT

package units

import (
	"strconv"
	"strings"
	"time"

	"github.com/dustin/go-humanize"
)

// Size is a flag for bytes.
type Size int64

// Set implements pflag.Value.
func (v *Size) Set(s string) error { return set(v, ParseSize, s) }

// Type implements pflag.Value.
func (v *Size) Type() string { return "size" }

func (v *Size) String() string {
	if *v < 0 {
		return "unlimited"
	}
	if *v < 1<<10 {
		return strconv.FormatInt(int64(*v), 10)
	}
	return strings.NewReplacer(" ", "", ".0", "").Replace(humanize.IBytes(uint64(*v)))
}

// Sizes is a flag for several numbers of bytes, with commas between them.
type Sizes []Size

// Set implements pflag.Value.
func (v *Sizes) Set(s string) error {
	var all Sizes
	for part := range strings.SplitSeq(s, ",") {
		var size Size
		if err := size.Set(part); err != nil {
			return err
		}
		all = append(all, size)
	}
	*v = all
	return nil
}

// Type implements pflag.Value.
func (v *Sizes) Type() string { return "sizes" }

func (v *Sizes) String() string {
	var parts []string
	for _, size := range *v {
		parts = append(parts, size.String())
	}
	return strings.Join(parts, ",")
}

// Count is a flag for a number of things.
type Count int64

// Set implements pflag.Value.
func (v *Count) Set(s string) error { return set(v, ParseCount, s) }

// Type implements pflag.Value.
func (v *Count) Type() string { return "n" }

func (v *Count) String() string { return strconv.FormatInt(int64(*v), 10) }

// Rate is a flag for messages per second.
type Rate float64

// Set implements pflag.Value.
func (v *Rate) Set(s string) error { return set(v, ParseRate, s) }

// Type implements pflag.Value.
func (v *Rate) Type() string { return "rate" }

func (v *Rate) String() string { return strconv.FormatFloat(float64(*v), 'g', -1, 64) }

// Interval is the time between two messages at the rate; 0 for no rate.
func (v Rate) Interval() time.Duration {
	if v <= 0 {
		return 0
	}
	return time.Duration(float64(time.Second) / float64(v))
}

// Duration is a flag for a time.
type Duration time.Duration

// Set implements pflag.Value.
func (v *Duration) Set(s string) error { return set(v, ParseDuration, s) }

// Type implements pflag.Value.
func (v *Duration) Type() string { return "time" }

func (v *Duration) String() string {
	if *v == 0 {
		return "0" // as pflag wants it of defaults that it is not to show
	}
	return time.Duration(*v).String()
}

// set stores what parse makes of s, and leaves v alone on error.
func set[V, P Size | Count | Rate | Duration | int64 | float64 | time.Duration](v *V, parse func(string) (P, error), s string) error {
	parsed, err := parse(s)
	if err != nil {
		return err
	}
	*v = V(parsed)
	return nil
}
