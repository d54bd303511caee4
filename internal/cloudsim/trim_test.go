package cloudsim

import "testing"

// TestMemoryIsTrimmed checks that the logs of a long run in memory stay bounded.
func TestMemoryIsTrimmed(t *testing.T) {
	t.Parallel()
	s := newStore(SystemClock(1))
	for range 5 * trimEvery {
		s.Events.Put(Event{Base: s.Events.NewBase()})
		if _, err := s.commit(); err != nil {
			t.Fatal(err)
		}
	}
	if n := s.Events.Len(); n > 5000+trimEvery {
		t.Errorf("%d events are kept", n)
	}
	last, ok := s.Events.Find(func(e Event) bool { return e.N == int64(5*trimEvery) })
	if !ok || last.N == 0 {
		t.Error("the newest event is gone")
	}
}
