module github.com/sprymq/spry/dash

go 1.26.0
