module github.com/sprymq/spry/dash

go 1.26.0

require github.com/sprymq/spry v0.1.0

require (
	golang.org/x/crypto v0.58.0 // indirect
	golang.org/x/sys v0.49.0 // indirect
)
