module github.com/sprymq/spry/interop

go 1.26.0

require (
	github.com/coder/websocket v1.8.15
	github.com/gobwas/ws v1.5.0
	github.com/gorilla/websocket v1.5.3
	github.com/sprymq/spry v0.1.0
	github.com/sprymq/spry/dash v0.1.0
	github.com/sprymq/spry/gateway v0.1.0
	go.nanomsg.org/mangos/v3 v3.4.2
)

require (
	github.com/gobwas/httphead v0.1.0 // indirect
	golang.org/x/crypto v0.58.0 // indirect
	golang.org/x/sys v0.49.0 // indirect
	golang.org/x/time v0.15.0 // indirect
)
