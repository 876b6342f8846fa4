// SPDX-License-Identifier: MIT

package timing_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/internal/simnet"
	"github.com/sprymq/spry/internal/testkit"
)

// surveyed connects a Surveyor with Respondents in virtual time.
func surveyed(t *testing.T, deadline time.Duration, respondents int) (surveyor *spry.Surveyor, all []*spry.Respondent) {
	t.Helper()
	n := simnet.New(1)
	surveyor = spry.NewSurveyor(&spry.SurveyorOptions{Options: testkit.Simulated(n), Deadline: deadline})
	testkit.CloseAll(t, surveyor)
	_, err := surveyor.Listen(t.Context(), "sim://votes")
	testkit.Check(t, err)
	for range respondents {
		r := spry.NewRespondent(&spry.RespondentOptions{Options: testkit.Simulated(n)})
		testkit.CloseAll(t, r)
		_, err := r.Dial(t.Context(), "sim://votes")
		testkit.Check(t, err)
		all = append(all, r)
	}
	testkit.Check(t, surveyor.WaitPipes(t.Context(), respondents))
	return surveyor, all
}

// Answers that arrive before the deadline are yielded, however long the loop takes for each.
func TestAnswersInTimeAreYielded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		surveyor, respondents := surveyed(t, time.Second, 3)
		for _, r := range respondents {
			go func() {
				q, err := r.Recv(t.Context())
				if err == nil {
					err = q.Reply(t.Context(), nil)
				}
				if err != nil {
					t.Error(err)
				}
			}()
		}
		answers := 0
		for _, err := range surveyor.Survey(t.Context(), nil) {
			testkit.Check(t, err)
			answers++
			time.Sleep(2 * time.Second)
		}
		if answers != 3 {
			t.Errorf("%d answers, want 3", answers)
		}
	})
}
