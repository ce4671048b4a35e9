// Jobs that stream their lines, and where the control interface is mounted.
package main

import (
	"encoding/json"
	"fmt"
	"log"
	"net/http"
	"os"
	"strconv"
)

func main() {
	mux := http.NewServeMux()
	var scripts *Scripts
	if path := os.Getenv("CONTROL"); path != "" {
		scale, err := strconv.ParseFloat(os.Getenv("TIME_SCALE"), 64)
		if err != nil {
			scale = 1
		}
		if scripts, err = Control(mux, path, "jobs", scale, "done", "failed"); err != nil {
			log.Fatal(err)
		}
	}
	mux.HandleFunc("/jobs", func(response http.ResponseWriter, request *http.Request) { start(response, request, scripts) })
	mux.HandleFunc("/", func(response http.ResponseWriter, _ *http.Request) {
		answer(response, 404, map[string]string{"error": "not found"})
	})
	log.Fatal(http.ListenAndServe("127.0.0.1:"+os.Getenv("PORT"), mux))
}

func start(response http.ResponseWriter, request *http.Request, scripts *Scripts) {
	job := struct{ Lines int }{3}
	if request.Method != http.MethodPost || json.NewDecoder(request.Body).Decode(&job) != nil {
		answer(response, 400, map[string]string{"error": "not a job"})
		return
	}
	var script *Script
	if scripts != nil {
		known := true
		if script, known = scripts.Of(request); !known {
			answer(response, 400, map[string]string{"error": "unknown script"})
			return
		}
	}
	response.Header().Set("Content-Type", "application/x-ndjson")
	response.Header().Set("Cache-Control", "no-store")
	response.Header().Set("X-Accel-Buffering", "no")
	response.WriteHeader(200)
	flusher, _ := response.(http.Flusher)
	flusher.Flush()
	emit := func(event []byte) {
		_, _ = response.Write(append(event, '\n'))
		flusher.Flush()
	}
	ending := "done"
	if script != nil {
		if scripts.Perform(request.Context(), script, emit) != nil {
			return
		}
		if script.Outcome == "fails" {
			ending = "failed"
		}
	} else {
		for number := 1; number <= job.Lines; number++ {
			emit([]byte(fmt.Sprintf(`{"type":"line","text":"line %d"}`, number)))
		}
	}
	emit([]byte(fmt.Sprintf(`{"type":"%s"}`, ending)))
}
