module github.com/sprymq/spry

go 1.26.0
