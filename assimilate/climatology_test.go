package assimilate_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"testing"

	"retrace/assimilate"
	"retrace/dynamics"
	"retrace/internal/fault"
	"retrace/trajectory"
)

// counting is a training set whose values tell where they stand: component c
// of state s of trajectory m is 1000 m + 10 s + c.
func counting(trajectories, length int) *trajectory.Set {
	set := &trajectory.Set{
		Space:  dynamics.Space{Variable: "state", Axes: []dynamics.Axis{{Name: "variable", Labels: []string{"a", "b"}}}},
		Clock:  dynamics.Clock{Interval: 0.5, Units: "h"},
		Lead:   []trajectory.Dimension{{Name: "trajectory", Len: trajectories}},
		Length: length,
	}
	for m := range trajectories {
		for s := range length {
			set.Data = append(set.Data, float32(1000*m+10*s), float32(1000*m+10*s+1))
		}
	}
	return set
}

func climatology(t *testing.T, p assimilate.Problem) *trajectory.Set {
	t.Helper()
	result, err := assimilate.Climatology{}.Assimilate(context.Background(), p, nil)
	if err != nil {
		t.Fatal(err)
	}
	return result.Ensemble
}

func TestClimatologyDrawsWholeWindowsUniformly(t *testing.T) {
	const trajectories, length, window, members = 3, 6, 4, 9000
	set := climatology(t, assimilate.Problem{
		Training: counting(trajectories, length), Length: window, Members: members,
	})
	if set.Length != window || set.Lead[0] != (trajectory.Dimension{Name: "member", Len: members}) || set.Clock.Interval != 0.5 {
		t.Fatalf("a set of %v, %d states, %v", set.Lead, set.Length, set.Clock)
	}
	count := map[float32]int{}
	for m := range members {
		x := set.Data[m*window*2 : (m+1)*window*2]
		count[x[0]]++
		for i := range x {
			if want := x[0] + float32(10*(i/2)+i%2); x[i] != want {
				t.Fatalf("member %d: value %d is %v, the window goes on with %v", m, i, x[i], want)
			}
		}
	}
	const starts = trajectories * (length - window + 1)
	for m := range trajectories {
		for s := range length - window + 1 {
			// Mean 1000, standard deviation about 30.
			if n := count[float32(1000*m+10*s)]; n < 850 || n > 1150 {
				t.Errorf("trajectory %d, state %d starts %d windows of %d, expected %d", m, s, n, members, members/starts)
			}
		}
	}
	if len(count) != starts {
		t.Errorf("%d different windows of %d", len(count), starts)
	}
}

func TestClimatologyMembersAreKeyed(t *testing.T) {
	p := assimilate.Problem{Training: counting(10, 100), Length: 5, Members: 64, Seed: 4}
	bytesOf := func(p assimilate.Problem, members int) []byte {
		var b bytes.Buffer
		_ = binary.Write(&b, binary.LittleEndian, climatology(t, p).Data[:members*10])
		return b.Bytes()
	}
	all := bytesOf(p, 16)
	p.Members = 16
	if !bytes.Equal(all, bytesOf(p, 16)) {
		t.Error("the first 16 of 64 members are not the 16 members")
	}
	p.Case++
	if bytes.Equal(all, bytesOf(p, 16)) {
		t.Error("another case draws the same members")
	}
}

func TestClimatologyNeedsLongEnoughTraining(t *testing.T) {
	for _, c := range []struct {
		p    assimilate.Problem
		want string
	}{
		{assimilate.Problem{Length: 5, Members: 1}, "there are none"},
		{assimilate.Problem{Length: 5, Members: 1, Training: counting(2, 4)}, "5 states were asked for, but those for training have 4"},
		{assimilate.Problem{Length: 5, Training: counting(2, 5)}, "0 members"},
	} {
		_, err := assimilate.Climatology{}.Assimilate(context.Background(), c.p, nil)
		if err == nil || !strings.Contains(err.Error(), c.want) || !fault.IsInput(err) {
			t.Errorf("got %v, want an input error with %q", err, c.want)
		}
	}
}

func TestClimatologyStopsWhenCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	p := assimilate.Problem{Training: counting(1, 5), Length: 5, Members: 10}
	_, err := assimilate.Climatology{}.Assimilate(ctx, p, func(done, _ int) {
		if done == 3 {
			cancel()
		}
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

// Two windows of three states, cut from a trajectory that counts.
func ExampleClimatology() {
	p := assimilate.Problem{Training: counting(1, 50), Length: 3, Members: 2, Seed: 1}
	result, err := assimilate.Climatology{}.Assimilate(context.Background(), p, nil)
	if err != nil {
		panic(err)
	}
	for m := range p.Members {
		fmt.Println(result.Ensemble.Data[m*6 : (m+1)*6])
	}
	// Output:
	// [360 361 370 371 380 381]
	// [110 111 120 121 130 131]
}
