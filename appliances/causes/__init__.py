"""Why releases are rebuilt without anybody changing them: bases and parents that change, schedules, people."""
