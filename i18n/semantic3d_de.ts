<?xml version="1.0" encoding="utf-8"?>
<!DOCTYPE TS>
<TS version="2.1" language="de" sourcelanguage="en">
  <context>
    <name>Semantic3D</name>
    <message>
      <location filename="../semantic3d_plugin/algorithms/base.py" />
      <source>Reconstruction</source>
      <translation>Rekonstruktion</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/base.py" />
      <source>Evaluation</source>
      <translation>Bewertung</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/base.py" />
      <source>Training</source>
      <translation>Training</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/base.py" />
      <source>Backend</source>
      <translation>Backend</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/base.py" />
      <source>Semantic 3D computes in a Python environment of its own, and that is not ready: {problem} Run the algorithm "Set up the backend" (semantic3d:setup_backend), or open Settings &gt; Options &gt; Semantic 3D and choose "Install light", or name an existing Python there or in SEMANTIC3D_PYTHON.</source>
      <translation>Semantic 3D rechnet in einer eigenen Python-Umgebung, und die ist nicht bereit: {problem} Führen Sie den Algorithmus „Backend einrichten“ (semantic3d:setup_backend) aus, oder öffnen Sie Einstellungen &gt; Optionen &gt; Semantic 3D und wählen „Leicht installieren“, oder geben Sie dort oder in SEMANTIC3D_PYTHON ein vorhandenes Python an.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/base.py" />
      <source>Parameters and outputs</source>
      <translation>Parameter und Ergebnisse</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/base.py" />
      <source>The parameters could not be checked, by a fault of the plugin ({}). Please report it.</source>
      <translation>Die Parameter ließen sich nicht prüfen; das ist ein Fehler der Erweiterung ({}). Bitte melden Sie ihn.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/base.py" />
      <source>This needs the full environment of Semantic 3D, with torch and what training needs, and that is not ready: {problem} Run the algorithm "Set up the backend" (semantic3d:setup_backend) with PROFILE=full, or name a Python that has these packages in SEMANTIC3D_PYTHON.</source>
      <translation>Dies braucht die volle Umgebung von Semantic 3D, mit torch und allem, was das Training braucht, und die ist nicht bereit: {problem} Führen Sie den Algorithmus „Backend einrichten“ (semantic3d:setup_backend) mit PROFILE=full aus, oder geben Sie in SEMANTIC3D_PYTHON ein Python an, das diese Pakete hat.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/base.py" />
      <source>{name} is no raster that QGIS can open: {value}</source>
      <translation>{name} ist kein Raster, das QGIS öffnen kann: {value}</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/base.py" />
      <source>EXTENT is {}, which has no area. Choose an extent on the image, or none for all of it.</source>
      <translation>EXTENT ist {} und hat keine Fläche. Wählen Sie eine Ausdehnung auf dem Bild, oder keine für das ganze.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/base.py" />
      <source>The folder {folder} for {name} does not exist. Create it first.</source>
      <translation>Den Ordner {folder} für {name} gibt es nicht. Legen Sie ihn zuerst an.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/base.py" />
      <source>The folder {folder} for {name} is not writable. Choose another one.</source>
      <translation>In den Ordner {folder} für {name} darf nicht geschrieben werden. Wählen Sie einen anderen.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/check_backend.py" />
      <source>Check the backend</source>
      <translation>Backend prüfen</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/check_backend.py" />
      <source>The doctor: is the backend there, does it work, on which device, how fast</source>
      <translation>Der Doktor: ob das Backend da ist, ob es arbeitet, auf welchem Gerät und wie schnell</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/check_backend.py" />
      <source>Where the model is tried. auto takes an NVIDIA GPU where one really works, else the processor.</source>
      <translation>Wo das Modell erprobt wird. auto nimmt eine NVIDIA-Grafikkarte, wo eine wirklich arbeitet, sonst den Prozessor.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/check_backend.py" />
      <source>Which packages are expected: those of light, or those of full.</source>
      <translation>Welche Pakete erwartet werden: die von light oder die von full.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/check_backend.py" />
      <source>The model to try. Empty: the one that comes with the plugin.</source>
      <translation>Das Modell, das erprobt wird. Leer: das mitgelieferte.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/check_backend.py" />
      <source>Text</source>
      <translation>Text</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/check_backend.py" />
      <source>The report as a page, as JSON or as plain text, as the file's name says.</source>
      <translation>Der Bericht als Seite, als JSON oder als reiner Text, je nach Endung des Dateinamens.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/check_backend.py" />
      <source>Looks for the Python environment that computes, tries its packages and the model in it, and reports what it found. It changes nothing. A missing backend is reported, with what to do about it.</source>
      <translation>Sucht die Python-Umgebung, die rechnet, erprobt ihre Pakete und das Modell darin und berichtet, was gefunden wurde. Geändert wird nichts. Fehlt das Backend, so steht das im Bericht, und was zu tun ist.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/check_backend.py" />
      <source>doctor,diagnosis,environment,python,gpu,cuda,report</source>
      <translation>Doktor,Diagnose,Umgebung,Python,GPU,CUDA,Bericht</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/check_backend.py" />
      <location filename="../semantic3d_plugin/algorithms/reconstruct.py" />
      <location filename="../semantic3d_plugin/algorithms/train.py" />
      <source>Device</source>
      <translation>Gerät</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/check_backend.py" />
      <location filename="../semantic3d_plugin/algorithms/setup_backend.py" />
      <source>Profile</source>
      <translation>Profil</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/check_backend.py" />
      <location filename="../semantic3d_plugin/algorithms/reconstruct.py" />
      <location filename="../semantic3d_plugin/algorithms/train.py" />
      <source>Model package</source>
      <translation>Modellpaket</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/check_backend.py" />
      <location filename="../semantic3d_plugin/algorithms/evaluate.py" />
      <location filename="../semantic3d_plugin/algorithms/reconstruct.py" />
      <location filename="../semantic3d_plugin/algorithms/train.py" />
      <source>Report</source>
      <translation>Bericht</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/check_backend.py" />
      <location filename="../semantic3d_plugin/algorithms/setup_backend.py" />
      <source>Healthy</source>
      <translation>Gesund</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/check_backend.py" />
      <source>Whether a job ran to its end.</source>
      <translation>Ob ein Auftrag bis zum Ende lief.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/check_backend.py" />
      <location filename="../semantic3d_plugin/algorithms/setup_backend.py" />
      <source>Python of the backend</source>
      <translation>Python des Backends</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/check_backend.py" />
      <source>Program that jobs run with, or empty.</source>
      <translation>Programm, mit dem Aufträge laufen, oder leer.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/check_backend.py" />
      <source>Source</source>
      <translation>Herkunft</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/check_backend.py" />
      <source>setting, variable or managed: who chose this Python.</source>
      <translation>setting, variable oder managed: wer dieses Python bestimmt hat.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/check_backend.py" />
      <source>Device in use</source>
      <translation>Benutztes Gerät</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/check_backend.py" />
      <source>cpu or cuda: where the model really ran.</source>
      <translation>cpu oder cuda: wo das Modell wirklich lief.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/check_backend.py" />
      <source>Seconds per tile</source>
      <translation>Sekunden je Kachel</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/check_backend.py" />
      <source>Time for one tile; -1 where none ran.</source>
      <translation>Zeit für eine Kachel; -1, wenn keine lief.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/check_backend.py" />
      <source>Version</source>
      <translation>Version</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/check_backend.py" />
      <source>Version of the backend, or empty.</source>
      <translation>Version des Backends, oder leer.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/check_backend.py" />
      <source>Problem</source>
      <translation>Problem</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/check_backend.py" />
      <source>What is wrong and what to do, or empty.</source>
      <translation>Was nicht stimmt und was zu tun ist, oder leer.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/check_backend.py" />
      <source>The report as plain text.</source>
      <translation>Der Bericht als reiner Text.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/check_backend.py" />
      <source>The report {path} cannot be written: {reason}</source>
      <translation>Der Bericht {path} kann nicht geschrieben werden: {reason}</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/detect_shadows.py" />
      <source>Detect shadows</source>
      <translation>Schatten erkennen</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/detect_shadows.py" />
      <source>A mask of cast shadows from the colours of one aerial image</source>
      <translation>Eine Maske der Schlagschatten aus den Farben eines Luftbildes</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/detect_shadows.py" />
      <source>1 is shadow, 0 is lit, 255 is NoData; with colours and names, on the image's grid.</source>
      <translation>1 ist Schatten, 0 ist besonnt, 255 ist NoData; mit Farben und Namen, auf dem Raster des Bildes.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/detect_shadows.py" />
      <source>Where the shadow index is higher, a pixel is shadow: a higher threshold finds less. 0: found from the whole image, and told in the output USED_THRESHOLD.</source>
      <translation>Wo der Schattenindex darüber liegt, ist ein Pixel Schatten: Ein höherer Schwellenwert findet weniger. 0: aus dem ganzen Bild ermittelt und im Ergebnis USED_THRESHOLD angegeben.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/detect_shadows.py" />
      <source>Smaller shadows are removed, and smaller holes in shadows filled. 0 keeps every pixel as it is.</source>
      <translation>Kleinere Schatten werden entfernt und kleinere Löcher in Schatten gefüllt. 0 lässt jedes Pixel, wie es ist.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/detect_shadows.py" />
      <source>Marks the cast shadows of buildings and trees by their darkness, with one threshold for the whole image. No trained model is needed. The mask serves the evaluation of heights in shadow and in light.</source>
      <translation>Markiert die Schlagschatten von Gebäuden und Bäumen anhand ihrer Dunkelheit, mit einem Schwellenwert für das ganze Bild. Ein trainiertes Modell ist nicht nötig. Die Maske dient dazu, Höhen in Schatten und Licht getrennt zu bewerten.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/detect_shadows.py" />
      <source>Dark roofs, fresh asphalt and dark trees look like shadow and may be marked, too; dark areas wider than 60 m, such as water, are left out. Look at the mask before you rely on it.</source>
      <translation>Dunkle Dächer, frischer Asphalt und dunkle Bäume sehen wie Schatten aus und werden womöglich mit markiert; dunkle Flächen, die breiter als 60 m sind, etwa Wasser, bleiben ausgenommen. Sehen Sie sich die Maske an, bevor Sie sich darauf verlassen.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/detect_shadows.py" />
      <source>shadow,mask,sun,dark,orthophoto,aerial,evaluation</source>
      <translation>Schatten,Maske,Sonne,dunkel,Orthophoto,Luftbild,Bewertung</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/detect_shadows.py" />
      <source>Shadows</source>
      <translation>Schatten</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/detect_shadows.py" />
      <source>Threshold of the shadow index</source>
      <translation>Schwellenwert des Schattenindex</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/detect_shadows.py" />
      <source>Smallest area (m²)</source>
      <translation>Kleinste Fläche (m²)</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/detect_shadows.py" />
      <source>Share of shadow</source>
      <translation>Schattenanteil</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/detect_shadows.py" />
      <source>Of the valid pixels, 0 to 1.</source>
      <translation>Anteil an den gültigen Pixeln, 0 bis 1.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/detect_shadows.py" />
      <source>Threshold in use</source>
      <translation>Benutzter Schwellenwert</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/detect_shadows.py" />
      <source>Given, or found from the image.</source>
      <translation>Angegeben oder aus dem Bild ermittelt.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/detect_shadows.py" />
      <location filename="../semantic3d_plugin/algorithms/reconstruct.py" />
      <source>Megapixels</source>
      <translation>Megapixel</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/detect_shadows.py" />
      <location filename="../semantic3d_plugin/algorithms/reconstruct.py" />
      <source>Image pixels that were computed, in millions.</source>
      <translation>Gerechnete Bildpixel, in Millionen.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/detect_shadows.py" />
      <location filename="../semantic3d_plugin/algorithms/evaluate.py" />
      <location filename="../semantic3d_plugin/algorithms/reconstruct.py" />
      <location filename="../semantic3d_plugin/algorithms/setup_backend.py" />
      <location filename="../semantic3d_plugin/algorithms/train.py" />
      <source>Seconds</source>
      <translation>Sekunden</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/detect_shadows.py" />
      <location filename="../semantic3d_plugin/algorithms/evaluate.py" />
      <location filename="../semantic3d_plugin/algorithms/reconstruct.py" />
      <location filename="../semantic3d_plugin/algorithms/train.py" />
      <source>Time that the job took.</source>
      <translation>Dauer des Auftrags.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/evaluate.py" />
      <source>Evaluate against references</source>
      <translation>Gegen Referenzen bewerten</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/evaluate.py" />
      <source>accuracy,validation,error,mae,rmse,nmad,iou,confusion matrix,uncertainty,calibration,chamfer,lidar</source>
      <translation>Genauigkeit,Validierung,Fehler,MAE,RMSE,NMAD,IoU,Konfusionsmatrix,Unsicherheit,Kalibrierung,Chamfer,Lidar</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/evaluate.py" />
      <source>Errors of heights and land cover, and whether the uncertainty can be believed</source>
      <translation>Fehler der Höhen und der Landbedeckung, und ob man der Unsicherheit trauen kann</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/evaluate.py" />
      <source>Instead of ZONES: polygons, such as land uses; where several lie, the first counts.</source>
      <translation>Anstelle von ZONES: Polygone, etwa Landnutzungen; wo mehrere liegen, zählt das erste.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/evaluate.py" />
      <source>Polygons with the same value are one zone of that name. Empty: each polygon is a zone.</source>
      <translation>Polygone mit demselben Wert sind eine Zone dieses Namens. Leer: jedes Polygon ist eine Zone.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/evaluate.py" />
      <source>Number of buildings in the land cover; every other known class is background.</source>
      <translation>Klassennummer der Gebäude in der Landbedeckung; jede andere bekannte Klasse ist Hintergrund.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/evaluate.py" />
      <source>Predicted minus reference height, Float32, NoData -9999. It needs heights.</source>
      <translation>Vorhergesagte minus Referenzhöhe, Float32, NoData -9999. Nur mit Höhen.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/evaluate.py" />
      <source>Compares predicted heights, their uncertainty and land cover with reference rasters, pixel by pixel and as surfaces in 3D.</source>
      <translation>Vergleicht vorhergesagte Höhen, ihre Unsicherheit und die Landbedeckung mit Referenzrastern, Pixel für Pixel und als Oberflächen in 3D.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/evaluate.py" />
      <source>Give heights with their reference, land cover with its reference, or both. References may have any grid and CRS: they are brought to the prediction's grid. Pixels without a value on either side are left out. Outputs whose rasters are missing stay empty.</source>
      <translation>Geben Sie Höhen mit ihrer Referenz an, Landbedeckung mit ihrer Referenz, oder beides. Referenzen dürfen jedes Raster und jedes KBS haben: Sie werden auf das Raster der Vorhersage gebracht. Pixel, denen auf einer der beiden Seiten der Wert fehlt, bleiben ausgenommen. Ergebnisse, deren Raster fehlen, bleiben leer.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/evaluate.py" />
      <source>Zones as polygons</source>
      <translation>Zonen als Polygone</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/evaluate.py" />
      <source>Field with the zone</source>
      <translation>Feld mit der Zone</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/evaluate.py" />
      <source>Building class</source>
      <translation>Gebäudeklasse</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/evaluate.py" />
      <location filename="../semantic3d_plugin/algorithms/reconstruct.py" />
      <source>Height (m)</source>
      <translation>Höhe (m)</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/evaluate.py" />
      <source>Predicted metres above ground: HEIGHT of Reconstruct.</source>
      <translation>Vorhergesagte Meter über Grund: HEIGHT aus „Höhen und Landbedeckung rekonstruieren“.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/evaluate.py" />
      <source>Reference height (m)</source>
      <translation>Referenzhöhe (m)</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/evaluate.py" />
      <source>True metres above ground (nDSM), on any grid. A surface model (DSM) where a DTM is given, too.</source>
      <translation>Wahre Meter über Grund (nDSM), auf beliebigem Raster. Ein Oberflächenmodell (DSM), wenn auch ein Geländemodell (DTM) angegeben ist.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/evaluate.py" />
      <source>Reference DTM (m)</source>
      <translation>Referenz-Geländemodell (m)</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/evaluate.py" />
      <source>Bare ground, taken off the reference height.</source>
      <translation>Geländehöhe ohne Bewuchs und Bauten; wird von der Referenzhöhe abgezogen.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/evaluate.py" />
      <location filename="../semantic3d_plugin/algorithms/reconstruct.py" />
      <source>sigma (m)</source>
      <translation>Sigma (m)</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/evaluate.py" />
      <source>Predictive standard deviation (band 1): SIGMA of Reconstruct.</source>
      <translation>Prädiktive Standardabweichung (Kanal 1): SIGMA aus „Höhen und Landbedeckung rekonstruieren“.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/evaluate.py" />
      <location filename="../semantic3d_plugin/algorithms/reconstruct.py" />
      <location filename="../semantic3d_plugin/algorithms/train.py" />
      <source>Land cover</source>
      <translation>Landbedeckung</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/evaluate.py" />
      <source>Predicted class numbers: LAND_COVER of Reconstruct.</source>
      <translation>Vorhergesagte Klassennummern: LAND_COVER aus „Höhen und Landbedeckung rekonstruieren“.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/evaluate.py" />
      <source>Reference land cover</source>
      <translation>Referenz-Landbedeckung</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/evaluate.py" />
      <source>True class numbers, numbered as in LAND_COVER; 0 is unknown, 11 is ground of class 1 or 2. It also splits heights into building, background and classes.</source>
      <translation>Wahre Klassennummern, nummeriert wie in LAND_COVER; 0 ist unbekannt, 11 ist Boden der Klasse 1 oder 2. Danach werden auch die Höhen in Gebäude, Hintergrund und Klassen aufgeteilt.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/evaluate.py" />
      <source>Shadow mask</source>
      <translation>Schattenmaske</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/evaluate.py" />
      <source>1 is shadow, 0 is lit, all else is unknown.</source>
      <translation>1 ist Schatten, 0 ist besonnt, alles andere ist unbekannt.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/evaluate.py" />
      <source>Zones</source>
      <translation>Zonen</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/evaluate.py" />
      <source>A whole number for each zone, such as a land use: figures for each.</source>
      <translation>Eine ganze Zahl je Zone, etwa je Landnutzung: Kennzahlen für jede.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/evaluate.py" />
      <source>A page with figures, charts and an error map.</source>
      <translation>Eine Seite mit Kennzahlen, Diagrammen und einer Fehlerkarte.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/evaluate.py" />
      <source>Figures</source>
      <translation>Kennzahlen</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/evaluate.py" />
      <source>All figures, for programs.</source>
      <translation>Alle Kennzahlen, für Programme.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/evaluate.py" />
      <source>Table</source>
      <translation>Tabelle</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/evaluate.py" />
      <source>A row for each part, class, zone, shadow and light.</source>
      <translation>Je eine Zeile für jeden Teil, jede Klasse, jede Zone, für Schatten und für Licht.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/evaluate.py" />
      <source>Error (m)</source>
      <translation>Fehler (m)</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/evaluate.py" />
      <source>MAE (m)</source>
      <translation>MAE (m)</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/evaluate.py" />
      <source>Mean absolute error of heights.</source>
      <translation>Mittlerer absoluter Fehler der Höhen.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/evaluate.py" />
      <source>RMSE (m)</source>
      <translation>RMSE (m)</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/evaluate.py" />
      <source>Root mean square error of heights.</source>
      <translation>Wurzel des mittleren quadratischen Fehlers der Höhen.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/evaluate.py" />
      <source>Bias (m)</source>
      <translation>Systematischer Fehler (m)</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/evaluate.py" />
      <source>Mean of predicted minus reference.</source>
      <translation>Mittel aus Vorhersage minus Referenz.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/evaluate.py" />
      <source>NMAD (m)</source>
      <translation>NMAD (m)</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/evaluate.py" />
      <source>Normalised median absolute deviation.</source>
      <translation>Normalisierte mediane absolute Abweichung.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/evaluate.py" />
      <source>delta 1</source>
      <translation>Delta 1</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/evaluate.py" />
      <source>Share of heights within a factor of 1.25, references above 1 m.</source>
      <translation>Anteil der Höhen innerhalb des Faktors 1,25, bei Referenzen über 1 m.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/evaluate.py" />
      <source>delta 2</source>
      <translation>Delta 2</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/evaluate.py" />
      <source>The same with 1.25 squared.</source>
      <translation>Dasselbe mit 1,25 im Quadrat.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/evaluate.py" />
      <source>delta 3</source>
      <translation>Delta 3</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/evaluate.py" />
      <source>The same with 1.25 cubed.</source>
      <translation>Dasselbe mit 1,25 hoch drei.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/evaluate.py" />
      <source>MAE of buildings (m)</source>
      <translation>MAE der Gebäude (m)</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/evaluate.py" />
      <source>Where the reference land cover has buildings.</source>
      <translation>Wo die Referenz-Landbedeckung Gebäude hat.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/evaluate.py" />
      <source>MAE of background (m)</source>
      <translation>MAE des Hintergrunds (m)</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/evaluate.py" />
      <source>Where it has another class.</source>
      <translation>Wo sie eine andere Klasse hat.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/evaluate.py" />
      <source>Accuracy</source>
      <translation>Gesamtgenauigkeit</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/evaluate.py" />
      <source>Share of pixels with the right class.</source>
      <translation>Anteil der Pixel mit richtiger Klasse.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/evaluate.py" />
      <source>Mean IoU</source>
      <translation>Mittlere IoU</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/evaluate.py" />
      <source>Mean over the classes of the reference.</source>
      <translation>Mittel über die Klassen der Referenz.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/evaluate.py" />
      <location filename="../semantic3d_plugin/algorithms/train.py" />
      <source>Building IoU</source>
      <translation>IoU der Gebäude</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/evaluate.py" />
      <source>Intersection over union of buildings.</source>
      <translation>Schnittfläche durch Vereinigungsfläche der Gebäude.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/evaluate.py" />
      <source>UECC</source>
      <translation>UECC</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/evaluate.py" />
      <source>Correlation of absolute error and sigma.</source>
      <translation>Korrelation von absolutem Fehler und Sigma.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/evaluate.py" />
      <source>AUSE (m)</source>
      <translation>AUSE (m)</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/evaluate.py" />
      <source>Area between the sparsification curve and the ideal one.</source>
      <translation>Fläche zwischen der Sparsification-Kurve und der idealen.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/evaluate.py" />
      <source>Coverage of 50 %</source>
      <translation>Überdeckung 50 %</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/evaluate.py" />
      <source>Share of errors inside the 50 % interval.</source>
      <translation>Anteil der Fehler innerhalb des 50-%-Intervalls.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/evaluate.py" />
      <source>Coverage of 68 %</source>
      <translation>Überdeckung 68 %</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/evaluate.py" />
      <source>Share of errors within one sigma (68.27 %).</source>
      <translation>Anteil der Fehler innerhalb eines Sigma (68,27 %).</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/evaluate.py" />
      <source>Coverage of 95 %</source>
      <translation>Überdeckung 95 %</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/evaluate.py" />
      <source>Share of errors inside the 95 % interval.</source>
      <translation>Anteil der Fehler innerhalb des 95-%-Intervalls.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/evaluate.py" />
      <source>Chamfer distance (m)</source>
      <translation>Chamfer-Abstand (m)</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/evaluate.py" />
      <source>Mean distance between both surfaces in 3D.</source>
      <translation>Mittlerer Abstand beider Oberflächen in 3D.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/evaluate.py" />
      <source>F1 at 1.0 m</source>
      <translation>F1 bei 1,0 m</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/evaluate.py" />
      <source>Agreement of both surfaces within 1.0 m.</source>
      <translation>Übereinstimmung beider Oberflächen auf 1,0 m.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/evaluate.py" />
      <source>F1 at 0.5 m</source>
      <translation>F1 bei 0,5 m</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/evaluate.py" />
      <source>Agreement of both surfaces within 0.5 m.</source>
      <translation>Übereinstimmung beider Oberflächen auf 0,5 m.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/evaluate.py" />
      <source>F1 at 0.2 m</source>
      <translation>F1 bei 0,2 m</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/evaluate.py" />
      <source>Agreement of both surfaces within 0.2 m.</source>
      <translation>Übereinstimmung beider Oberflächen auf 0,2 m.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/evaluate.py" />
      <source>Pixels</source>
      <translation>Pixel</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/evaluate.py" />
      <source>Pixels that were compared.</source>
      <translation>Verglichene Pixel.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/evaluate.py" />
      <source>Both ZONES and ZONE_POLYGONS are given. Give one of them.</source>
      <translation>ZONES und ZONE_POLYGONS sind beide angegeben. Geben Sie eines davon an.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/image_form.py" />
      <source>Aerial or satellite image with red, green and blue bands, 8 bit, 16 bit or float. A layer that is no file (web map, database) is exported for the job within the extent.</source>
      <translation>Luft- oder Satellitenbild mit Rot-, Grün- und Blaukanal, 8 Bit, 16 Bit oder Gleitkomma. Ein Layer, der keine Datei ist (Webkarte, Datenbank), wird für den Auftrag innerhalb der Ausdehnung exportiert.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/image_form.py" />
      <source>Three band numbers such as 1,2,3, or 4,3,2 for an image that starts with blue. Empty: the image says.</source>
      <translation>Drei Kanalnummern wie 1,2,3, oder 4,3,2 für ein Bild, das mit Blau beginnt. Leer: Das Bild sagt es.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/image_form.py" />
      <source>Only this part is computed, with the same values as in a run on the whole image. Empty: all of it.</source>
      <translation>Nur dieser Teil wird gerechnet, mit denselben Werten wie bei einem Lauf über das ganze Bild. Leer: alles.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/image_form.py" />
      <source>Metres per pixel, for an image whose grid does not say it. Not set or 0: taken from the image.</source>
      <translation>Meter je Pixel, für ein Bild, dessen Raster es nicht sagt. Nicht gesetzt oder 0: aus dem Bild.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/image_form.py" />
      <source>Orthophoto</source>
      <translation>Orthophoto</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/image_form.py" />
      <location filename="../semantic3d_plugin/algorithms/train.py" />
      <source>Red, green and blue bands</source>
      <translation>Rot-, Grün- und Blaukanal</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/image_form.py" />
      <source>Extent</source>
      <translation>Ausdehnung</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/image_form.py" />
      <source>Ground sampling distance (m)</source>
      <translation>Bodenpixelgröße (m)</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/image_form.py" />
      <source>BANDS is {}. Give three band numbers such as 1,2,3, or nothing.</source>
      <translation>BANDS ist {}. Geben Sie drei Kanalnummern wie 1,2,3 an, oder nichts.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/image_form.py" />
      <source>{layer} has {count} bands; BANDS asks for {bands}.</source>
      <translation>{layer} hat {count} Kanäle; BANDS verlangt {bands}.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/image_form.py" />
      <source>EXTENT lies outside the image {}. Choose an extent on the image.</source>
      <translation>EXTENT liegt außerhalb des Bildes {}. Wählen Sie eine Ausdehnung auf dem Bild.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/model_form.py" />
      <location filename="../semantic3d_plugin/algorithms/train.py" />
      <source>All files</source>
      <translation>Alle Dateien</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/model_form.py" />
      <source>Model packages</source>
      <translation>Modellpakete</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/model_form.py" />
      <source>There is no model package at {}. Leave MODEL empty for the bundled one.</source>
      <translation>Unter {} gibt es kein Modellpaket. Lassen Sie MODEL leer für das mitgelieferte.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/raster_source.py" />
      <source>The layer is no file, so its range of brightness is that of the extent and its surroundings, not of the whole layer: values differ from those of a run on all of it.</source>
      <translation>Der Layer ist keine Datei; sein Helligkeitsbereich ist daher der des Ausschnitts und seiner Umgebung, nicht der des ganzen Layers: Die Werte weichen von denen eines Laufs über alles ab.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/raster_source.py" />
      <source>The layer's data provider cannot be exported.</source>
      <translation>Der Datenanbieter des Layers lässt sich nicht exportieren.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/raster_source.py" />
      <location filename="../semantic3d_plugin/algorithms/vector_source.py" />
      <source>Cancelled: nothing was written.</source>
      <translation>Abgebrochen: Es wurde nichts geschrieben.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/raster_source.py" />
      <source>The layer is no file: {columns} x {rows} pixels are exported for the job.</source>
      <translation>Der Layer ist keine Datei: {columns} x {rows} Pixel werden für den Auftrag exportiert.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/raster_source.py" />
      <source>The image {} lies nowhere on a map, so an EXTENT cannot choose a part of it. Leave EXTENT empty, or cut the image first (Raster &gt; Extraction &gt; Clip), or give it a place (Layer &gt; Georeferencer).</source>
      <translation>Das Bild {} liegt nirgends auf einer Karte, deshalb kann EXTENT keinen Teil davon wählen. Lassen Sie EXTENT leer, schneiden Sie das Bild vorher zu (Raster &gt; Extraktion &gt; Zuschneiden), oder georeferenzieren Sie es (Layer &gt; Georeferenzierung).</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/raster_source.py" />
      <source>The workers of a cluster open the image themselves, and the layer {} is no raster file for them, or has another CRS in QGIS than in its file. Save it as a GeoTIFF where all can read it, and use that.</source>
      <translation>Die Rechner eines Clusters öffnen das Bild selbst; der Layer {} ist für sie keine Rasterdatei oder hat in QGIS ein anderes KBS als in seiner Datei. Speichern Sie ihn als GeoTIFF, wo alle ihn lesen können, und verwenden Sie diesen.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/raster_source.py" />
      <source>The layer {} cannot be read by its provider.</source>
      <translation>Der Layer {} kann von seinem Datenanbieter nicht gelesen werden.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/raster_source.py" />
      <source>The extent lies outside the layer {}.</source>
      <translation>Die Ausdehnung liegt außerhalb des Layers {}.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/raster_source.py" />
      <source>The layer {name} is no file and would have to be exported: {columns} x {rows} pixels, more than {limit} megapixels. Choose a smaller EXTENT, or save the layer as a GeoTIFF first.</source>
      <translation>Der Layer {name} ist keine Datei und müsste exportiert werden: {columns} x {rows} Pixel, mehr als {limit} Megapixel. Wählen Sie eine kleinere Ausdehnung (EXTENT), oder speichern Sie den Layer zuerst als GeoTIFF.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/raster_source.py" />
      <source>The layer {} has no pixel size of its own (a web map draws at any scale). Save it as a GeoTIFF, and use that.</source>
      <translation>Der Layer {} hat keine eigene Pixelgröße (eine Webkarte zeichnet in jedem Maßstab). Speichern Sie ihn als GeoTIFF, und nehmen Sie dieses.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/raster_source.py" />
      <source>The layer {} has no pixel size of its own (a web map draws at any scale). Give GSD in metres, and an EXTENT.</source>
      <translation>Der Layer {} hat keine eigene Pixelgröße (eine Webkarte zeichnet in jedem Maßstab). Geben Sie GSD in Metern und eine Ausdehnung (EXTENT) an.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/raster_source.py" />
      <source>The image's coordinate system could not be passed on: {}</source>
      <translation>Das Koordinatensystem des Bildes ließ sich nicht weitergeben: {}</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/raster_source.py" />
      <source>The layer could not be exported for the job: {}</source>
      <translation>Der Layer konnte nicht für den Auftrag exportiert werden: {}</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/raster_source.py" />
      <source>writer error {}</source>
      <translation>Schreibfehler {}</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/reconstruct.py" />
      <source>Reconstruct heights and land cover</source>
      <translation>Höhen und Landbedeckung rekonstruieren</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/reconstruct.py" />
      <source>height,ndsm,dsm,elevation,building,tree,uncertainty,land cover,segmentation,orthophoto,aerial,3d</source>
      <translation>Höhe,nDSM,nDOM,DOM,Gebäude,Baum,Unsicherheit,Landbedeckung,Segmentierung,Orthophoto,Luftbild,3D</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/reconstruct.py" />
      <source>Heights above ground, their uncertainty and land cover from one aerial image</source>
      <translation>Höhen über Grund, ihre Unsicherheit und die Landbedeckung aus einem Luftbild</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/reconstruct.py" />
      <source>A model package: its folder, the manifest.json in it, a zip, or a single ONNX file that describes itself. Empty: the model that comes with the plugin.</source>
      <translation>Ein Modellpaket: sein Ordner, die manifest.json darin, ein ZIP oder eine einzelne ONNX-Datei, die sich selbst beschreibt. Leer: das mitgelieferte Modell.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/reconstruct.py" />
      <source>auto takes an NVIDIA GPU where one really works, else the processor (cpu).</source>
      <translation>auto nimmt eine NVIDIA-Grafikkarte, wo eine wirklich arbeitet, sonst den Prozessor (cpu).</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/reconstruct.py" />
      <source>How far neighbouring tiles overlap, in pixels of the model. More is smoother and slower.</source>
      <translation>Wie weit sich Nachbarkacheln überlappen, in Pixeln des Modells. Mehr ist glatter und langsamer.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/reconstruct.py" />
      <source>Tiles that run through the model together. More than one helps on a GPU only.</source>
      <translation>Kacheln, die gemeinsam durch das Modell laufen. Mehr als eine hilft nur auf einer Grafikkarte.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/reconstruct.py" />
      <source>Main memory for pixels; the size of the image does not matter, wider strips are faster.</source>
      <translation>Arbeitsspeicher für Pixel; die Größe des Bildes ist gleichgültig, breitere Streifen sind schneller.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/reconstruct.py" />
      <source>Address of a Dask scheduler, such as tcp://host:8786, whose workers shall compute. They must see the image and the outputs' folder under the same paths. Empty: this computer computes.</source>
      <translation>Adresse eines Dask-Schedulers, etwa tcp://host:8786, dessen Worker rechnen sollen. Sie müssen das Bild und den Ordner der Ausgaben unter denselben Pfaden sehen. Leer: Dieser Rechner rechnet.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/reconstruct.py" />
      <source>Metres above ground (nDSM), Float32, NoData -9999.</source>
      <translation>Meter über Grund (nDSM), Float32, NoData -9999.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/reconstruct.py" />
      <source>Uncertainty of the height: predictive standard deviation in metres, with its aleatoric and epistemic parts and the evidence index as bands 2 to 4.</source>
      <translation>Unsicherheit der Höhe: prädiktive Standardabweichung in Metern, mit ihrem aleatorischen und ihrem epistemischen Teil und dem Evidenzindex als Kanäle 2 bis 4.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/reconstruct.py" />
      <source>Class numbers with colours and names, 0 is NoData.</source>
      <translation>Klassennummern mit Farben und Namen, 0 ist NoData.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/reconstruct.py" />
      <source>Class probabilities</source>
      <translation>Klassenwahrscheinlichkeiten</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/reconstruct.py" />
      <source>One band per land-cover class.</source>
      <translation>Ein Kanal je Klasse der Landbedeckung.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/reconstruct.py" />
      <source>A page with quick-look, histograms, class areas, warnings and provenance.</source>
      <translation>Eine Seite mit Vorschau, Histogrammen, Klassenflächen, Warnungen und Herkunft.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/reconstruct.py" />
      <source>Estimates for every pixel of one aerial image how high it stands above the ground, how uncertain that is, and what covers it. No stereo pair and no laser scan is needed.</source>
      <translation>Schätzt für jedes Pixel eines Luftbildes, wie hoch es über dem Boden liegt, wie unsicher das ist und was ihn bedeckt. Weder ein Stereopaar noch ein Laserscan ist nötig.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/reconstruct.py" />
      <source>All layers lie on the image's grid. Heights come from a trained model: look at sigma and at the report before you rely on them, most of all on imagery unlike the model's training data.</source>
      <translation>Alle Layer liegen auf dem Raster des Bildes. Die Höhen stammen von einem trainierten Modell: Sehen Sie sich Sigma und den Bericht an, bevor Sie sich darauf verlassen, vor allem bei Bildern, die den Trainingsdaten des Modells nicht ähneln.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/reconstruct.py" />
      <source>Overlap of tiles (pixels)</source>
      <translation>Überlappung der Kacheln (Pixel)</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/reconstruct.py" />
      <source>Batch size (tiles)</source>
      <translation>Stapelgröße (Kacheln)</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/reconstruct.py" />
      <location filename="../semantic3d_plugin/algorithms/train.py" />
      <source>Memory limit (MB)</source>
      <translation>Speichergrenze (MB)</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/reconstruct.py" />
      <source>Dask scheduler</source>
      <translation>Dask-Scheduler</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/reconstruct.py" />
      <source>Mean height (m)</source>
      <translation>Mittlere Höhe (m)</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/reconstruct.py" />
      <source>Mean of all valid heights, in metres.</source>
      <translation>Mittel aller gültigen Höhen, in Metern.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/setup_backend.py" />
      <source>Set up the backend</source>
      <translation>Backend einrichten</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/setup_backend.py" />
      <source>Installs, repairs or removes the Python environment that computes</source>
      <translation>Installiert, repariert oder entfernt die Python-Umgebung, die rechnet</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/setup_backend.py" />
      <source>Action</source>
      <translation>Aktion</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/setup_backend.py" />
      <source>install keeps an environment that works; repair makes it anew; remove deletes it; download fills the folder WHEELHOUSE for a machine without a network.</source>
      <translation>install behält eine Umgebung, die arbeitet; repair macht sie neu; remove löscht sie; download füllt den Ordner WHEELHOUSE für einen Rechner ohne Netz.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/setup_backend.py" />
      <source>light is enough for the model that comes with the plugin: about 100 MB to download, under 400 MB on disk. full adds PyTorch, diffusers and what training needs: 1 to 5 GB.</source>
      <translation>light genügt für das mitgelieferte Modell: etwa 100 MB Download, unter 400 MB auf der Platte. full ergänzt PyTorch, diffusers und was das Training braucht: 1 bis 5 GB.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/setup_backend.py" />
      <source>Accelerator</source>
      <translation>Beschleuniger</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/setup_backend.py" />
      <source>auto takes cuda where an NVIDIA driver is found (about 2 GB more to download), else cpu. With remove, auto means both.</source>
      <translation>auto nimmt cuda, wo ein NVIDIA-Treiber gefunden wird (etwa 2 GB mehr Download), sonst cpu. Bei remove meint auto beide.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/setup_backend.py" />
      <source>Folder of wheels</source>
      <translation>Ordner mit Wheels</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/setup_backend.py" />
      <source>Install from this folder and never touch the network. Fill it with the action download elsewhere, which makes it where there is none.</source>
      <translation>Aus diesem Ordner installieren und das Netz nie benutzen. Füllen Sie ihn andernorts mit der Aktion download, die ihn anlegt, wo es ihn nicht gibt.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/setup_backend.py" />
      <source>Base Python</source>
      <translation>Basis-Python</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/setup_backend.py" />
      <source>The Python to build on, 3.10 to 3.14, 64 bit. Empty: one is looked for, but never QGIS itself.</source>
      <translation>Das Python, auf dem aufgebaut wird, 3.10 bis 3.14, 64 Bit. Leer: Es wird eines gesucht, aber nie das von QGIS.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/setup_backend.py" />
      <source>Heights are computed by a Python environment of its own, so that nothing is installed into QGIS. This algorithm creates it. It downloads pinned packages, each checked against its hash, from the Python Package Index or from the mirror that pip is configured for, through QGIS's proxy. Where uv is installed and no usable Python is, uv also fetches a Python 3.12, from GitHub or astral.sh. What is downloaded also stays in the caches of uv and pip.</source>
      <translation>Die Höhen werden in einer eigenen Python-Umgebung berechnet, damit nichts in QGIS installiert wird. Dieser Algorithmus legt sie an. Er lädt Pakete fester Versionen, jedes gegen seinen Hash geprüft, vom Python Package Index oder von dem Spiegel, für den pip eingerichtet ist, über den Proxy von QGIS. Wo uv installiert ist und kein brauchbares Python, holt uv auch ein Python 3.12 von GitHub oder astral.sh. Was heruntergeladen wird, bleibt auch in den Zwischenspeichern von uv und pip.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/setup_backend.py" />
      <source>The model ran on the graphics card.</source>
      <translation>Das Modell lief auf der Grafikkarte.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/setup_backend.py" />
      <source>The packages for the graphics card are installed, but the model ran on the processor. See the doctor.</source>
      <translation>Die Pakete für die Grafikkarte sind installiert, aber das Modell lief auf dem Prozessor. Siehe „Backend prüfen“.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/setup_backend.py" />
      <source>install,environment,python,offline,wheelhouse,gpu,cuda,repair,remove</source>
      <translation>installieren,Umgebung,Python,offline,Wheelhouse,GPU,CUDA,reparieren,entfernen</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/setup_backend.py" />
      <source>Program that jobs run with, empty where there is none.</source>
      <translation>Programm, mit dem Aufträge laufen; leer, wo es keines gibt.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/setup_backend.py" />
      <source>Environment folder</source>
      <translation>Ordner der Umgebung</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/setup_backend.py" />
      <source>Folder that was made, looked at or removed.</source>
      <translation>Ordner, der angelegt, angesehen oder entfernt wurde.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/setup_backend.py" />
      <source>Accelerator in use</source>
      <translation>Benutzter Beschleuniger</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/setup_backend.py" />
      <source>cpu or cuda: what auto came to.</source>
      <translation>cpu oder cuda: was aus auto wurde.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/setup_backend.py" />
      <source>Whether jobs can run now. After remove: whether another backend is left.</source>
      <translation>Ob Aufträge jetzt laufen können. Nach remove: ob ein anderes Backend übrig ist.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/setup_backend.py" />
      <source>Size (MB)</source>
      <translation>Größe (MB)</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/setup_backend.py" />
      <source>Size of the environment, or of the folder of wheels.</source>
      <translation>Größe der Umgebung oder des Ordners mit Wheels.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/setup_backend.py" />
      <source>Time that it took.</source>
      <translation>Benötigte Zeit.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/setup_backend.py" />
      <source>It goes to {folder}. Set SEMANTIC3D_HOME for another place.</source>
      <translation>Sie kommt nach {folder}. Setzen Sie SEMANTIC3D_HOME für einen anderen Ort.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/setup_backend.py" />
      <source>{folder} holds {count} packages, {size} MB, for machines of this kind with this Python version.</source>
      <translation>{folder} enthält {count} Pakete, {size} MB, für Rechner dieser Art mit dieser Python-Version.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/setup_backend.py" />
      <source>Removed {}</source>
      <translation>Entfernt: {}</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/setup_backend.py" />
      <source>There was nothing to remove in {}.</source>
      <translation>In {} gab es nichts zu entfernen.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/setup_backend.py" />
      <source>Jobs run with {python}, which is named in the settings or in SEMANTIC3D_PYTHON, and not with this environment.</source>
      <translation>Aufträge laufen mit {python}, das in den Einstellungen oder in SEMANTIC3D_PYTHON steht, und nicht mit dieser Umgebung.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/setup_backend.py" />
      <source>The graphics card could not be tried: {}</source>
      <translation>Die Grafikkarte konnte nicht erprobt werden: {}</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/train.py" />
      <source>Train a model</source>
      <translation>Modell trainieren</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/train.py" />
      <source>Fine-tune a model on your own images with heights, land cover or building outlines</source>
      <translation>Feinabstimmung eines Modells mit eigenen Bildern samt Höhen, Landbedeckung oder Gebäudeumrissen</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/train.py" />
      <source>Images to learn from, with red, green and blue bands.</source>
      <translation>Bilder, aus denen gelernt wird, mit Rot-, Grün- und Blaukanal.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/train.py" />
      <source>Instead of an nDSM, together with DTM, in metres.</source>
      <translation>Anstelle eines nDSM, zusammen mit DTM, in Metern.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/train.py" />
      <source>Optimisation steps. More learn more, and take longer.</source>
      <translation>Optimierungsschritte. Mehr lernen mehr und dauern länger.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/train.py" />
      <source>Folder to create; an earlier package there is replaced. Give it to Reconstruct as MODEL. The model is named after the folder. A broken-off run goes on from the checkpoint beside it; a temporary folder loses both.</source>
      <translation>Ordner, der angelegt wird; ein früheres Paket dort wird ersetzt. Geben Sie ihn bei „Höhen und Landbedeckung rekonstruieren“ als MODEL an. Das Modell heißt wie der Ordner. Ein abgebrochener Lauf wird vom Prüfpunkt daneben fortgesetzt; in einem temporären Ordner geht beides verloren.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/train.py" />
      <source>A page with curves, figures on the held-out blocks, data and split.</source>
      <translation>Eine Seite mit Kurven, Kennzahlen auf den zurückgehaltenen Blöcken, Daten und Aufteilung.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/train.py" />
      <source>Orthophotos</source>
      <translation>Orthophotos</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/train.py" />
      <source>Heights above ground (nDSM)</source>
      <translation>Höhen über Grund (nDSM)</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/train.py" />
      <source>Metres above ground, on any grid and CRS, gaps allowed; of several, the first with a value wins.</source>
      <translation>Meter über Grund, in beliebigem Raster und KBS, Lücken erlaubt; von mehreren gilt das erste mit einem Wert.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/train.py" />
      <source>Surface heights (DSM)</source>
      <translation>Oberflächenhöhen (DSM)</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/train.py" />
      <source>Ground heights (DTM)</source>
      <translation>Geländehöhen (DTM)</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/train.py" />
      <source>Ground under the DSM, in metres.</source>
      <translation>Gelände unter dem DSM, in Metern.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/train.py" />
      <source>Class rasters, on any grid and CRS; of several, the first with a class wins.</source>
      <translation>Klassenraster, in beliebigem Raster und KBS; von mehreren gilt das erste mit einer Klasse.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/train.py" />
      <source>Which value of the class rasters is which class of the model, such as 10=1,20=3,30=4. The bundled model's classes: 1 impervious or bare, 2 low vegetation, 3 tree, 4 building, 5 water, 6 bridge, 7 other object; 0 is unknown, 11 is 1 or 2. Empty: values are class numbers already. With CLASS_FIELD it holds for the polygons, too, and takes texts: house=4,garden=2.</source>
      <translation>Welcher Wert der Klassenraster welche Klasse des Modells ist, etwa 10=1,20=3,30=4. Klassen des mitgelieferten Modells: 1 versiegelt oder vegetationslos, 2 niedrige Vegetation, 3 Baum, 4 Gebäude, 5 Wasser, 6 Brücke, 7 sonstiges Objekt; 0 ist unbekannt, 11 ist 1 oder 2. Leer: Die Werte sind bereits Klassennummern. Mit CLASS_FIELD gilt sie auch für die Polygone und nimmt Texte: house=4,garden=2.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/train.py" />
      <source>Polygons that count as building. Within the rectangle around all of them, what has neither outline nor land cover counts as no building: give all buildings there. CLASS_FIELD makes them polygons of any class.</source>
      <translation>Polygone, die als Gebäude gelten. Im umschließenden Rechteck aller Polygone gilt als kein Gebäude, was weder Umriss noch Landbedeckung hat: Geben Sie dort alle Gebäude an. CLASS_FIELD macht sie zu Polygonen beliebiger Klassen.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/train.py" />
      <source>Field of the polygons whose value, by CLASS_MAP, is their class. Values that have none are unknown, and so is all outside of the polygons; where two overlap, the first with a class wins. Empty: all are buildings.</source>
      <translation>Feld der Polygone, dessen Wert nach CLASS_MAP ihre Klasse ist. Werte ohne Klasse sind unbekannt, ebenso alles außerhalb der Polygone; wo sich zwei überlappen, gilt das erste mit einer Klasse. Leer: Alle sind Gebäude.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/train.py" />
      <source>A model package (folder, its manifest.json, or zip), a pretrained base (.safetensors), or Stable Diffusion 1.5, 2.x or XL: a diffusers folder (or its model_index.json), or ORG/NAME@COMMIT on the Hugging Face hub. Empty: the model that comes with the plugin.</source>
      <translation>Ein Modellpaket (Ordner, dessen manifest.json oder ZIP), eine vortrainierte Basis (.safetensors) oder Stable Diffusion 1.5, 2.x oder XL: ein Diffusers-Ordner (oder dessen model_index.json) oder ORG/NAME@COMMIT auf dem Hugging Face Hub. Leer: das Modell, das mit dem Plugin kommt.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/train.py" />
      <source>auto takes an NVIDIA GPU where torch finds one, else the processor (cpu), which is much slower.</source>
      <translation>auto nimmt eine NVIDIA-Grafikkarte, wo torch eine findet, sonst den Prozessor (cpu), der viel langsamer ist.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/train.py" />
      <source>Steps</source>
      <translation>Schritte</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/train.py" />
      <source>Three band numbers such as 1,2,3, for all images. Empty: each image says.</source>
      <translation>Drei Kanalnummern wie 1,2,3, für alle Bilder. Leer: Jedes Bild sagt es.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/train.py" />
      <source>smooth_l1 gives outliers less weight than mse, the mean square error.</source>
      <translation>smooth_l1 gibt Ausreißern weniger Gewicht als mse, der mittlere quadratische Fehler.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/train.py" />
      <source>on computes activations again instead of keeping them: less memory, more time, the same result. auto is on for Stable Diffusion.</source>
      <translation>on berechnet Aktivierungen neu, statt sie zu behalten: weniger Speicher, mehr Zeit, dasselbe Ergebnis. auto ist bei Stable Diffusion an.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/train.py" />
      <source>Fine-tunes a model on your own rasters and writes it as a model package for "Reconstruct heights and land cover". Give heights, land cover or building outlines, or several of them; what is missing somewhere does not count there.</source>
      <translation>Stimmt ein Modell mit Ihren eigenen Rastern fein ab und schreibt es als Modellpaket für „Höhen und Landbedeckung rekonstruieren“. Geben Sie Höhen, Landbedeckung oder Gebäudeumrisse an, oder mehreres davon; was irgendwo fehlt, zählt dort nicht.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/train.py" />
      <source>Needs the full environment ("Set up the backend" with PROFILE=full). Blocks of ground are held out to measure the model; look at the figures in the report before you rely on it.</source>
      <translation>Braucht die volle Umgebung („Backend einrichten“ mit PROFILE=full). Teile des Gebiets werden blockweise zurückgehalten, um das Modell zu messen; sehen Sie sich die Kennzahlen im Bericht an, bevor Sie sich darauf verlassen.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/train.py" />
      <source>training,fine-tune,learning,adapt,model,lora,own data,height,land cover,deep learning</source>
      <translation>Training,Feinabstimmung,Lernen,anpassen,Modell,LoRA,eigene Daten,Höhe,Landbedeckung,Deep Learning</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/train.py" />
      <source>Class map</source>
      <translation>Klassenzuordnung</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/train.py" />
      <source>Building outlines</source>
      <translation>Gebäudeumrisse</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/train.py" />
      <source>Field with the class</source>
      <translation>Feld mit der Klasse</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/train.py" />
      <source>Model to start from</source>
      <translation>Ausgangsmodell</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/train.py" />
      <source>Rank of the adapter</source>
      <translation>Rang des Adapters</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/train.py" />
      <source>LoRA rank, 8 to 256. More can learn more.</source>
      <translation>LoRA-Rang, 8 bis 256. Ein höherer kann mehr lernen.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/train.py" />
      <source>Batch size (patches)</source>
      <translation>Stapelgröße (Ausschnitte)</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/train.py" />
      <source>Patches per step; they cost memory.</source>
      <translation>Ausschnitte je Schritt; sie kosten Speicher.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/train.py" />
      <source>Batches per step</source>
      <translation>Stapel je Schritt</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/train.py" />
      <source>Batches whose gradients make one step: as a larger batch, for time in the place of memory.</source>
      <translation>Stapel, deren Gradienten einen Schritt ergeben: wie ein größerer Stapel, für Zeit statt Speicher.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/train.py" />
      <source>Patch (pixels)</source>
      <translation>Ausschnitt (Pixel)</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/train.py" />
      <source>Side of a patch, a multiple of 32.</source>
      <translation>Seitenlänge eines Ausschnitts, ein Vielfaches von 32.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/train.py" />
      <source>Learning rate</source>
      <translation>Lernrate</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/train.py" />
      <source>Of AdamW, after a warm-up.</source>
      <translation>Von AdamW, nach einer Aufwärmphase.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/train.py" />
      <source>Weight decay</source>
      <translation>Gewichtsabnahme (weight decay)</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/train.py" />
      <source>Of AdamW, 0 to 1.</source>
      <translation>Von AdamW, 0 bis 1.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/train.py" />
      <source>Penalty weight (lambda)</source>
      <translation>Gewicht der Strafe (Lambda)</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/train.py" />
      <source>Weight of the evidential penalty, which lowers the evidence where the height is wrong; 0 to 100.</source>
      <translation>Gewicht der Evidenzstrafe, die die Evidenz dort senkt, wo die Höhe falsch ist; 0 bis 100.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/train.py" />
      <source>Share held out</source>
      <translation>Zurückgehaltener Anteil</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/train.py" />
      <source>Share of labelled blocks kept out of training, to choose the best weights and measure them.</source>
      <translation>Anteil der Blöcke mit Referenzdaten, die nicht ins Training gehen, um die besten Gewichte zu wählen und zu messen.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/train.py" />
      <source>Block (m)</source>
      <translation>Block (m)</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/train.py" />
      <source>Side of the blocks that go whole into training or validation. A strip of a sixteenth of it, at least 8 pixels, is cut away between the two.</source>
      <translation>Seitenlänge der Blöcke, die als Ganzes ins Training oder in die Validierung gehen. Dazwischen wird ein Streifen von einem Sechzehntel davon, mindestens 8 Pixel, weggeschnitten.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/train.py" />
      <source>Patience (validations)</source>
      <translation>Geduld (Validierungen)</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/train.py" />
      <source>Training ends when so many validations in a row bring no gain. 0: never early.</source>
      <translation>Das Training endet, wenn so viele Validierungen in Folge keinen Gewinn bringen. 0: nie vorzeitig.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/train.py" />
      <source>Seed</source>
      <translation>Startwert</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/train.py" />
      <source>Of the split, the adapter's first weights and the patches.</source>
      <translation>Für die Aufteilung, die ersten Gewichte des Adapters und die Ausschnitte.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/train.py" />
      <source>Main memory for images and labels.</source>
      <translation>Arbeitsspeicher für Bilder und Referenzdaten.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/train.py" />
      <source>Height loss</source>
      <translation>Höhenverlust (Verlustfunktion)</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/train.py" />
      <source>Gradient checkpointing</source>
      <translation>Gradient Checkpointing</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/train.py" />
      <source>Height MAE (m)</source>
      <translation>MAE der Höhe (m)</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/train.py" />
      <source>Mean absolute height error on the held-out blocks.</source>
      <translation>Mittlerer absoluter Höhenfehler auf den zurückgehaltenen Blöcken.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/train.py" />
      <source>Height RMSE (m)</source>
      <translation>RMSE der Höhe (m)</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/train.py" />
      <source>Root mean square height error there.</source>
      <translation>Wurzel des mittleren quadratischen Höhenfehlers dort.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/train.py" />
      <source>Intersection over union of the class building there.</source>
      <translation>Schnittfläche durch Vereinigungsfläche der Klasse Gebäude dort.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/train.py" />
      <source>Steps done</source>
      <translation>Ausgeführte Schritte</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/train.py" />
      <source>Fewer than asked for where training ended early.</source>
      <translation>Weniger als verlangt, wenn das Training vorzeitig endete.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/train.py" />
      <source>PACKAGE is a temporary folder: the model, and the checkpoint from which a broken-off run goes on, are deleted when QGIS closes. To keep them, choose a folder of your own.</source>
      <translation>PACKAGE ist ein temporärer Ordner: Das Modell und der Prüfpunkt, von dem ein abgebrochener Lauf weitergeht, werden gelöscht, wenn QGIS schließt. Um sie zu behalten, wählen Sie einen eigenen Ordner.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/train.py" />
      <source>Models</source>
      <translation>Modelle</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/train.py" />
      <source>{name} holds something that is no raster that QGIS can open: {value}</source>
      <translation>{name} enthält etwas, das kein Raster ist, das QGIS öffnen kann: {value}</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/train.py" />
      <source>There is no model at {}. Leave BASE empty for the bundled one; a repository of the Hugging Face hub is written ORG/NAME@COMMIT.</source>
      <translation>Unter {} gibt es kein Modell. Lassen Sie BASE leer für das mitgelieferte; ein Verzeichnis auf dem Hugging-Face-Hub schreibt man ORG/NAME@COMMIT.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/vector_source.py" />
      <source>{name} is no layer that QGIS can open: {value}</source>
      <translation>{name} ist kein Layer, den QGIS öffnen kann: {value}</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/vector_source.py" />
      <source>The layer {layer} has no field {field}. It has: {names}.</source>
      <translation>Der Layer {layer} hat kein Feld {field}. Er hat: {names}.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/algorithms/vector_source.py" />
      <source>The layer {} holds no outlines.</source>
      <translation>Der Layer {} enthält keine Umrisse.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/gui/environment_panel.py" />
      <source>named in these settings</source>
      <translation>in diesen Einstellungen angegeben</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/gui/environment_panel.py" />
      <source>named by SEMANTIC3D_PYTHON</source>
      <translation>durch SEMANTIC3D_PYTHON angegeben</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/gui/environment_panel.py" />
      <source>installed by this plugin</source>
      <translation>von dieser Erweiterung installiert</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/gui/environment_panel.py" />
      <source>To reconstruct (light)</source>
      <translation>Zum Rekonstruieren (light)</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/gui/environment_panel.py" />
      <source>To train (full)</source>
      <translation>Zum Trainieren (full)</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/gui/environment_panel.py" />
      <source>Python of an existing environment</source>
      <translation>Python einer vorhandenen Umgebung</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/gui/environment_panel.py" />
      <source>Empty: the environment that this plugin installs.</source>
      <translation>Leer: die Umgebung, die diese Erweiterung installiert.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/gui/environment_panel.py" />
      <source>State</source>
      <translation>Zustand</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/gui/environment_panel.py" />
      <source>Own Python (optional)</source>
      <translation>Eigenes Python (optional)</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/gui/environment_panel.py" />
      <source>Backend environment</source>
      <translation>Umgebung des Backends</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/gui/environment_panel.py" />
      <source>Heights are computed by a Python of their own, outside of QGIS. Light is enough for the model that comes with the plugin (about 100 MB to download, under 400 MB on disk); full adds PyTorch for training (several GB).</source>
      <translation>Die Höhen rechnet ein eigenes Python außerhalb von QGIS. Leicht genügt für das mitgelieferte Modell (etwa 100 MB Download, unter 400 MB auf der Platte); voll ergänzt PyTorch für das Training (mehrere GB).</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/gui/environment_panel.py" />
      <source>Install light</source>
      <translation>Leicht installieren</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/gui/environment_panel.py" />
      <source>Install full</source>
      <translation>Voll installieren</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/gui/environment_panel.py" />
      <source>Check</source>
      <translation>Prüfen</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/gui/environment_panel.py" />
      <source>Repair</source>
      <translation>Reparieren</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/gui/environment_panel.py" />
      <source>Remove</source>
      <translation>Entfernen</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/gui/environment_panel.py" />
      <source>Cancel</source>
      <translation>Abbrechen</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/gui/environment_panel.py" />
      <source>Remove the backend environment</source>
      <translation>Umgebung des Backends entfernen</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/gui/environment_panel.py" />
      <source>Done.</source>
      <translation>Fertig.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/gui/environment_panel.py" />
      <source>Not finished; see the lines above.</source>
      <translation>Nicht abgeschlossen; siehe die Zeilen darüber.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/gui/environment_panel.py" />
      <source>Environment to make anew:</source>
      <translation>Umgebung, die neu angelegt wird:</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/gui/environment_panel.py" />
      <source>Environment to delete:</source>
      <translation>Umgebung, die gelöscht wird:</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/gui/environment_panel.py" />
      <source>Delete {}? Your results and settings stay.</source>
      <translation>{} löschen? Ihre Ergebnisse und Einstellungen bleiben.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/gui/environment_panel.py" />
      <source>Trying {}...</source>
      <translation>{} wird ausprobiert ...</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/gui/environment_panel.py" />
      <source>{} cannot be started now; see the message log of QGIS.</source>
      <translation>{} kann jetzt nicht gestartet werden; siehe das Protokoll von QGIS.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/gui/environment_panel.py" />
      <source>Ready: {python} ({where})</source>
      <translation>Bereit: {python} ({where})</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/gui/environment_panel.py" />
      <source>Not ready: {}</source>
      <translation>Nicht bereit: {}</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/gui/launch.py" />
      <source>Open the settings</source>
      <translation>Einstellungen öffnen</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/gui/settings_page.py" />
      <source>Switch the project's elevation shading on when heights are loaded</source>
      <translation>Höhenschattierung des Projekts einschalten, wenn Höhen geladen werden</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/gui/settings_page.py" />
      <location filename="../semantic3d_plugin/styling/notice.py" />
      <source>Semantic 3D</source>
      <translation>Semantic 3D</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/gui/settings_page.py" />
      <source>Needs QGIS 3.30 or newer.</source>
      <translation>Braucht QGIS 3.30 oder neuer.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/plugin.py" />
      <source>Reconstruct heights and land cover...</source>
      <translation>Höhen und Landbedeckung rekonstruieren...</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/plugin.py" />
      <source>Backend and settings...</source>
      <translation>Backend und Einstellungen...</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/styling/elevation.py" />
      <source>This QGIS is older than 3.26 and has no elevation properties for rasters: in a 3D view, choose the height layer as terrain in the view's settings.</source>
      <translation>Dieses QGIS ist älter als 3.26 und kennt keine Höheneigenschaften für Raster: Wählen Sie in einer 3D-Ansicht den Höhen-Layer in deren Einstellungen als Gelände.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/styling/elevation.py" />
      <source>The project's coordinate system {crs} is in degrees, which spoils 3D views: metres of height would stand on degrees. Choose a projected one for the project, such as {suggestion}.</source>
      <translation>Das Koordinatensystem {crs} des Projekts ist in Grad, was 3D-Ansichten verdirbt: Höhen in Metern ständen auf Grad. Wählen Sie für das Projekt ein projiziertes, etwa {suggestion}.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/styling/elevation.py" />
      <source>The project's coordinate system {crs} is in degrees, which spoils 3D views: metres of height would stand on degrees. Choose a projected one for the project.</source>
      <translation>Das Koordinatensystem {crs} des Projekts ist in Grad, was 3D-Ansichten verdirbt: Höhen in Metern ständen auf Grad. Wählen Sie für das Projekt ein projiziertes.</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/styling/result_group.py" />
      <source>Semantic 3D: {}</source>
      <translation>Semantic 3D: {}</translation>
    </message>
    <message>
      <location filename="../semantic3d_plugin/styling/result_group.py" />
      <source>Hillshade</source>
      <translation>Schummerung</translation>
    </message>
  </context>
</TS>
