"""The files of the DNP3 outstation (IEEE 1815 clause 4.4.13), in memory."""

import opendnp3
from opendnp3 import FileMode, FileStatus

from dnp3_points import FILE_BLOCK, FILES


class Files(opendnp3.IFileHandler):
    """A name and its octets; one handle for each opening."""

    def __init__(self):
        super().__init__()
        self._files, self._open, self._handles = {name: name.encode() * 5 for name in FILES}, {}, 0

    def OpenFile(self, filename, auth_key, permissions, mode, max_block_size, request_id):
        result = opendnp3.FileOpenResult()
        if mode == FileMode.READ and filename not in self._files:
            result.status = FileStatus.FILE_NOT_FOUND
            return result
        if mode == FileMode.WRITE:
            self._files[filename] = b""
        self._handles += 1
        self._open[self._handles] = filename
        result.fileHandle, result.fileSize = self._handles, len(self._files[filename])
        result.maxBlockSize, result.status = min(max_block_size, FILE_BLOCK), FileStatus.SUCCESS
        return result

    def ReadBlock(self, handle, number):
        content, result = self._files[self._open[handle]], opendnp3.FileBlockResult()
        end = (number + 1) * FILE_BLOCK
        result.data, result.lastBlock, result.status = list(content[end - FILE_BLOCK : end]), end >= len(content), FileStatus.SUCCESS
        return result

    def WriteBlock(self, handle, number, last, data):
        self._files[self._open[handle]] += data
        return FileStatus.SUCCESS

    def CloseFile(self, handle, request_id):
        return FileStatus.SUCCESS if self._open.pop(handle, None) else FileStatus.NOT_OPENED

    def DeleteFile(self, filename):
        return FileStatus.SUCCESS if self._files.pop(filename, None) is not None else FileStatus.FILE_NOT_FOUND

    def AbortFile(self, handle):
        self._open.pop(handle, None)

    def GetFileInfo(self, filename):
        result = opendnp3.FileCommandResult()
        if filename not in self._files:
            result.status = FileStatus.FILE_NOT_FOUND
            return result
        info = opendnp3.FileInfo()
        info.fileName, info.size, info.type = filename, len(self._files[filename]), opendnp3.FileType.SIMPLE_FILE
        result.info, result.status = info, FileStatus.SUCCESS
        return result

    def AuthenticateFile(self, username, password):
        result = opendnp3.OutstationFileAuthResult()
        result.status = FileStatus.PERMISSION_DENIED
        return result
