// The control interface of streamvet for net/http: copy this file, and mount it in tests alone.
//
//	scripts, err := Control(mux, "/_conformance", "jobs", 0.05, "done", "failed")
//	script, known := scripts.Of(request) // nil and true: no script, do your own work; false: answer 400
//	err := scripts.Perform(request.Context(), script, emit)
//	script.Outcome // "succeeds" or "fails": emit your own ending
package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"net/http"
	"os"
	"sync"
	"time"
)

// Step is an event to emit, as it came, or a wait.
type Step struct {
	Emit   json.RawMessage `json:"emit"`
	WaitMs *float64        `json:"wait_ms"`
}

// Script is what a run does in place of its work.
type Script struct {
	Steps   []Step `json:"steps"`
	Outcome string `json:"outcome"`
}

// Scripts are those that were deposited.
type Scripts struct {
	mutex sync.Mutex
	known map[string]*Script
	scale float64
}

// Control mounts the control interface; an error where nobody has allowed that.
func Control(mux *http.ServeMux, path, profile string, scale float64, terminal ...string) (*Scripts, error) {
	if os.Getenv("STREAMVET_CONTROL") != "allow" {
		return nil, errors.New("the control interface lets anybody invent events: set STREAMVET_CONTROL=allow, in tests alone")
	}
	scripts := &Scripts{known: map[string]*Script{}, scale: scale}
	mux.HandleFunc(path, func(response http.ResponseWriter, request *http.Request) {
		var asked struct {
			Do string `json:"do"`
			Script
		}
		if request.Method != http.MethodPost || json.NewDecoder(request.Body).Decode(&asked) != nil {
			answer(response, 400, map[string]string{"error": "malformed request"})
			return
		}
		switch {
		case asked.Do == "describe":
			can := []string{"script", "reset"}
			answer(response, 200, map[string]any{"control": 1, "profile": profile, "time_scale": scale, "can": can})
		case asked.Do == "reset":
			scripts.mutex.Lock()
			scripts.known = map[string]*Script{}
			scripts.mutex.Unlock()
			answer(response, 200, map[string]any{})
		case asked.Do == "script" && asked.Script.valid(terminal):
			answer(response, 201, map[string]string{"script": scripts.add(asked.Script)})
		default:
			answer(response, 400, map[string]string{"error": "unknown request"})
		}
	})
	return scripts, nil
}

func (script *Script) valid(terminal []string) bool {
	if script.Outcome != "succeeds" && script.Outcome != "fails" && script.Outcome != "hangs" {
		return false
	}
	for _, step := range script.Steps {
		if step.WaitMs != nil {
			continue
		}
		var event struct {
			Type string `json:"type"`
		}
		if json.Unmarshal(step.Emit, &event) != nil {
			return false
		}
		for _, one := range terminal {
			if one == event.Type {
				return false
			}
		}
	}
	return script.Steps != nil
}

func (scripts *Scripts) add(script Script) string {
	raw := make([]byte, 16)
	_, _ = rand.Read(raw)
	name := hex.EncodeToString(raw)
	scripts.mutex.Lock()
	defer scripts.mutex.Unlock()
	scripts.known[name] = &script
	return name
}

// Of gives the script that a start is to perform, and whether what it names is known.
func (scripts *Scripts) Of(request *http.Request) (*Script, bool) {
	name := request.Header.Get("Streamvet-Script")
	if name == "" {
		return nil, true
	}
	scripts.mutex.Lock()
	defer scripts.mutex.Unlock()
	script, known := scripts.known[name]
	return script, known
}

// Perform emits each event when it is due, on a line. Waits are measured from the start, so that many short ones add up.
func (scripts *Scripts) Perform(ctx context.Context, script *Script, emit func([]byte)) error {
	due := time.Now()
	for _, step := range script.Steps {
		if step.WaitMs == nil {
			var event bytes.Buffer
			if err := json.Compact(&event, step.Emit); err != nil {
				return err
			}
			emit(event.Bytes())
			continue
		}
		if now := time.Now(); now.After(due) {
			due = now
		}
		due = due.Add(time.Duration(*step.WaitMs * scripts.scale * float64(time.Millisecond)))
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(time.Until(due)):
		}
	}
	if script.Outcome == "hangs" {
		<-ctx.Done()
	}
	return ctx.Err()
}

func answer(response http.ResponseWriter, status int, body any) {
	response.Header().Set("Content-Type", "application/json")
	response.WriteHeader(status)
	_ = json.NewEncoder(response).Encode(body)
}
