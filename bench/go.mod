module github.com/sprymq/spry/bench

go 1.26.0

require github.com/sprymq/spry v0.0.0

require golang.org/x/sys v0.49.0 // indirect

replace github.com/sprymq/spry => ../
