// SPDX-License-Identifier: MIT

package sp_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/internal/testkit"
	"github.com/sprymq/spry/interop/internal/kit"
)

// surveyDeadline is long enough for an answer from a busy machine; nothing is asserted about its length.
const surveyDeadline = 2 * time.Second

// TestForeignSurveys lets foreign surveyors ask three of Spry's respondents, one of which answers the first survey
// only when the second one has come: that answer must not be taken for one to the second.
func TestForeignSurveys(t *testing.T) {
	for library, program := range map[string]string{kit.LibNNG: "nng_surveyor", kit.LibNanomsg: "nn_surveyor"} {
		t.Run(program, func(t *testing.T) {
			a := kit.NewAddress(t, "tcp", false)
			kit.Results.Track(t, kit.Row(library, "surveyor – 3 respondents, late answers", a.Transport, "it listens"), "library")
			t.Parallel()
			surveyor := kit.StartC(t, program, a.How(), a.URL, "3", fmt.Sprint(surveyDeadline.Milliseconds()), "2")
			for _, name := range []string{"ann", "bob"} {
				prompt := spry.NewRespondent(&spry.RespondentOptions{Options: kit.Options})
				kit.Attach(t, prompt, a)
				go func() {
					for ctx := t.Context(); ; {
						r, err := prompt.Recv(ctx)
						if err != nil {
							return
						}
						_ = r.Reply(ctx, fmt.Appendf(nil, "%s from %s", r.Bytes(), name)) // the surveyor shows what came
					}
				}()
			}
			late := spry.NewRespondent(&spry.RespondentOptions{Options: kit.Options})
			kit.Attach(t, late, a)
			ctx := kit.Watched(t)
			first := kit.Must[*spry.Request](t)(late.Recv(ctx))
			second := kit.Must[*spry.Request](t)(late.Recv(ctx))
			testkit.Check(t, first.Reply(ctx, []byte("TOO LATE")))
			testkit.Check(t, second.Reply(ctx, []byte("survey 1 from late")))
			surveyor.WaitLine("done")
			got := strings.Split(strings.TrimSpace(surveyor.Wait()), "\n")
			slices.Sort(got)
			want := []string{
				"done", "ready",
				"survey 0: survey 0 from ann", "survey 0: survey 0 from bob",
				"survey 1: survey 1 from ann", "survey 1: survey 1 from bob", "survey 1: survey 1 from late",
			}
			if !slices.Equal(got, want) {
				t.Errorf("%s printed\n%q, want\n%q", program, got, want)
			}
		})
	}
}

// TestForeignRespondents lets Spry ask respondents of both libraries, and one that answers after the deadline, so
// that its first answer comes during the second survey.
func TestForeignRespondents(t *testing.T) {
	for _, transport := range []string{"tcp", "ipc"} {
		t.Run(transport, func(t *testing.T) {
			a := kit.NewAddress(t, transport, true)
			kit.Results.Track(t, kit.Row(kit.LibNNG+", "+kit.LibNanomsg, "respondents – surveyor, late answers", transport, "it dials"), kit.Library)
			t.Parallel()
			surveyor := spry.NewSurveyor(&spry.SurveyorOptions{Options: kit.Options, Deadline: surveyDeadline})
			kit.Attach(t, surveyor, a)
			kit.StartC(t, "nng_respondent", a.How(), a.URL, "nng", "0")
			kit.StartC(t, "nn_respondent", a.How(), a.URL, "nanomsg", "0")
			kit.StartC(t, "nng_respondent", a.How(), a.URL, "late", fmt.Sprint(surveyDeadline.Milliseconds()*3/2))
			kit.WaitPipes(t, surveyor, 3)
			for k := range 2 {
				question := fmt.Sprintf("survey %d", k)
				var got []string
				for m, err := range surveyor.Survey(kit.Watched(t), []byte(question)) {
					testkit.Check(t, err)
					got = append(got, string(m.Bytes()))
				}
				slices.Sort(got)
				if want := []string{question + " from nanomsg", question + " from nng"}; !slices.Equal(got, want) {
					t.Errorf("%s: answers %q, want %q", question, got, want)
				}
			}
		})
	}
}
